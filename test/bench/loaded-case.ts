import type { OrtRuntime } from '@loupe/model/runtime'
import type { Candidate } from './operator-candidates.ts'
import { type Case, caseGraph, randomActivations } from './operator-cases.ts'
import { ScratchFile } from './operator-weights.ts'
import { settledMemory } from './process-memory.ts'

interface Parts {
  readonly run: () => Promise<void>
  /** `[rows, inner]`; what is written here is what the next run reads. */
  readonly x: Float32Array
  /** What the first map gives, `[rows, outer]`; written by a run. */
  readonly first: Float32Array
  readonly fileBytes: number
  /** Anonymous memory that loading took. */
  readonly memoryBytes: number
}

/** A case as one candidate computes it, ready to run. */
export class LoadedCase implements Disposable {
  readonly parts: Parts
  readonly #stack: DisposableStack

  private constructor(parts: Parts, stack: DisposableStack) {
    this.parts = parts
    this.#stack = stack
  }

  static async open(runtime: OrtRuntime, place: Case, candidate: Candidate): Promise<LoadedCase> {
    using stack = new DisposableStack()
    const file = stack.use(new ScratchFile())
    const graph = caseGraph(place, candidate, file)
    const before = await settledMemory()
    const session = stack.use(await runtime.load(graph, { weightsFolder: file.directory }))
    const after = await settledMemory()
    const binding = stack.use(session.bind())
    const { rows, maps } = place
    const x = randomActivations(rows, maps[0]?.[1] ?? 0, false)
    const first = new Float32Array(rows * (maps[0]?.[0] ?? 0))
    const last = new Float32Array(rows * (maps.at(-1)?.[0] ?? 0))
    const wrap = (data: Float32Array) => stack.use(runtime.wrap('float32', [rows, data.length / rows], data))
    binding.input('x', wrap(x)).output('first', wrap(first)).output('y', wrap(last))
    const memoryBytes = after.anonymous - before.anonymous
    const parts = { run: () => binding.run(), x, first, fileBytes: file.bytes, memoryBytes }
    return new LoadedCase(parts, stack.move())
  }

  /** What the first map makes of activations. */
  async firstOf(x: Float32Array): Promise<Float32Array> {
    this.parts.x.set(x)
    await this.parts.run()
    return this.parts.first.slice()
  }

  [Symbol.dispose](): void {
    this.#stack[Symbol.dispose]()
  }
}
