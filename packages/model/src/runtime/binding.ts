import { AppError } from '@loupe/shared/errors'
import type { HostTensor, IoInfo, RunOptions, RuntimeBinding, RuntimeTensor } from '../graph/runtime.ts'
import { readBoundOutput } from './bound-output.ts'
import { cancellable } from './cancellation.ts'
import { hostMemory } from './environment.ts'
import { call, callAsync, get, type Pointer } from './ffi.ts'
import { Handle } from './handle.ts'
import { checkFits } from './io-info.ts'
import type { RunQueue } from './run-queue.ts'
import { OrtTensor } from './value.ts'

/** What a binding knows of its session. */
export interface BoundSession {
  readonly session: Handle
  readonly inputs: readonly IoInfo[]
  readonly outputs: readonly IoInfo[]
  readonly queue: RunQueue
  /** Whether binding an input copies it to a device, so that it has to be bound again for each run. */
  readonly copiesInputs: boolean
}

type Bind = 'BindInput' | 'BindOutput' | 'BindOutputToDevice'

const NO_OPTIONS: Pointer = 0n
/** After the run, what the CPU's arena holds and nothing uses is freed. */
const SHRINK_ARENA = ['memory.enable_memory_arena_shrinkage', 'cpu:0'] as const

/** Strong roots: a run's binding, and through it every tensor, survive until the other thread is done with them. */
const inFlight = new Set<OrtBinding>()

/** The inputs and outputs of one request. */
export class OrtBinding implements RuntimeBinding {
  readonly #of: BoundSession
  readonly #handle: Handle
  readonly #inputs = new Map<string, OrtTensor>()
  /** In the order of the native binding; `undefined` for one that ONNX Runtime allocates. */
  readonly #outputs = new Map<string, OrtTensor | undefined>()
  #state: 'new' | 'running' | 'complete' = 'new'

  constructor(of: BoundSession) {
    this.#of = of
    this.#handle = new Handle('binding', get('CreateIoBinding', of.session.pointer), 'ReleaseIoBinding', of.session)
  }

  input(name: string, tensor: RuntimeTensor): this {
    const value = this.#fitting('input', name, tensor)
    this.#change('BindInput', name, value.pointer)
    this.#inputs.set(name, value)
    return this
  }

  output(name: string, tensor: RuntimeTensor): this {
    const value = this.#fitting('output', name, tensor)
    this.#change('BindOutput', name, value.pointer)
    this.#outputs.set(name, value)
    return this
  }

  outputOnHost(name: string): this {
    this.#info('output', name)
    this.#change('BindOutputToDevice', name, hostMemory())
    this.#outputs.set(name, undefined)
    return this
  }

  async run(options: RunOptions = {}): Promise<void> {
    this.#assertIdle()
    using _ = this.#handle.retain()
    this.#state = 'running'
    inFlight.add(this)
    try {
      await this.#of.queue.run(() => this.#compute(options), options.signal)
      this.#state = 'complete'
    } finally {
      if (this.#state === 'running') this.#state = 'new'
      inFlight.delete(this)
    }
  }

  read(name: string): HostTensor {
    this.#assertIdle()
    const index = [...this.#outputs.keys()].indexOf(name)
    if (index < 0 || this.#outputs.get(name) !== undefined)
      throw new AppError('runtime.failed', `${name}: expected an output bound with outputOnHost, found none.`)
    if (this.#state !== 'complete')
      throw new AppError('runtime.failed', `${name}: expected a completed run before read, found none.`)
    return readBoundOutput(this.#handle.pointer, index)
  }

  [Symbol.dispose](): void {
    this.#handle[Symbol.dispose]()
  }

  async #compute({ signal, releasesMemory = false }: RunOptions): Promise<void> {
    this.#prepare()
    const session = this.#of.session.pointer
    const binding = this.#handle.pointer
    // The arena of a device is its own affair, and may not be there.
    const shrinks = releasesMemory && !this.#of.copiesInputs
    if (signal === undefined && !shrinks) return callAsync('RunWithBinding', session, NO_OPTIONS, binding)
    using options = new Handle('run options', get('CreateRunOptions'), 'ReleaseRunOptions')
    if (shrinks) call('AddRunConfigEntry', options.pointer, ...SHRINK_ARENA)
    const stop = () => call('RunOptionsSetTerminate', options.pointer)
    await cancellable(signal, stop, () => callAsync('RunWithBinding', session, options.pointer, binding))
  }

  /** Binds again what ONNX Runtime would otherwise keep from the run before. */
  #prepare(): void {
    // Kernels do not expect an input to be absent.
    const missing = this.#of.inputs.filter(({ name }) => !this.#inputs.has(name)).map(({ name }) => name)
    if (missing.length > 0)
      throw new AppError('runtime.failed', `Expected a tensor for every input, found none for ${missing.join(', ')}.`)
    for (const [name, tensor] of this.#of.copiesInputs ? this.#inputs : [])
      this.#bindNatively('BindInput', name, tensor.pointer)
    // A result of the run before would be written over, and would have to have the shape of this run's.
    for (const [name, tensor] of this.#outputs)
      if (tensor === undefined) this.#bindNatively('BindOutputToDevice', name, hostMemory())
  }

  #change(how: Bind, name: string, what: Pointer): void {
    this.#assertIdle()
    this.#state = 'new'
    this.#bindNatively(how, name, what)
  }

  /** A native binding that refused something cannot be trusted any more, so it is given up. */
  #bindNatively(how: Bind, name: string, what: Pointer): void {
    const binding = this.#handle.pointer
    try {
      call(how, binding, name, what)
    } catch (error) {
      this[Symbol.dispose]()
      throw error
    }
  }

  #assertIdle(): void {
    if (this.#state === 'running')
      throw new AppError('runtime.failed', 'Expected an idle binding, found one that is running.')
  }

  #fitting(side: 'input' | 'output', name: string, tensor: RuntimeTensor): OrtTensor {
    if (!(tensor instanceof OrtTensor))
      throw new AppError('runtime.failed', `${name}: expected a tensor of this runtime, found another's.`)
    checkFits(this.#info(side, name), tensor)
    return tensor
  }

  #info(side: 'input' | 'output', name: string): IoInfo {
    const known = side === 'input' ? this.#of.inputs : this.#of.outputs
    const info = known.find((candidate) => candidate.name === name)
    if (info !== undefined) return info
    const names = known.map((candidate) => candidate.name).join(', ')
    throw new AppError('graph.shape_mismatch', `Expected an ${side} among ${names}; found "${name}".`)
  }
}
