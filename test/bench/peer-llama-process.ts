import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { jsonLines } from '@loupe/gpu-worker/src/cli/json-lines.ts'
import { AppError } from '@loupe/shared/errors'
import type { ProcessMemory } from './process-memory.ts'

/** What the peer is asked; see `peer-llama.ts --help`. */
export interface PeerMeasure {
  readonly measure: 'prefill' | 'decode' | 'more' | 'memory'
  readonly tokens: number
  readonly context?: number
}

/** What our side is asked; see `bench-loupe.ts --help`. */
export interface SideMeasure extends Omit<PeerMeasure, 'measure'> {
  readonly measure: PeerMeasure['measure'] | 'batch'
  readonly width?: number
}

/** What either answers. */
export interface SideAnswer {
  readonly wallMs: number
  readonly cpuMs: number
  /** Of decoding: the middle one of the tokens. */
  readonly medianMs?: number
  /** If asked for it. */
  readonly memory?: ProcessMemory
}

/** One side of a comparison in a process of its own, which idles while it is not asked. */
export interface Side<Measure> extends Disposable {
  /** What loading took. */
  readonly loaded: SideAnswer
  ask(measure: Measure): Promise<SideAnswer>
}

/** Starts `peer-llama.ts`. @param argv - its options @throws AppError `runtime.failed` when it ends */
export function startPeer(argv: readonly string[]): Promise<Side<PeerMeasure>> {
  return startSide('peer-llama.ts', argv)
}

/** Starts `bench-loupe.ts`. @param argv - its options @throws AppError `runtime.failed` when it ends */
export function startLoupe(argv: readonly string[]): Promise<Side<SideMeasure>> {
  return startSide('bench-loupe.ts', argv)
}

async function startSide<Measure>(name: string, argv: readonly string[]): Promise<Side<Measure>> {
  const script = join(import.meta.dirname, name)
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', script, ...argv], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const lines = jsonLines(child.stdout)
  const next = async () => {
    const { value } = await lines.next()
    if (value === undefined) throw new AppError('runtime.failed', `Expected a line of ${name}, found its end.`)
    // Written by that script.
    return value.value as SideAnswer
  }
  return {
    loaded: await next(),
    ask(measure) {
      child.stdin.write(`${JSON.stringify(measure)}\n`)
      return next()
    },
    [Symbol.dispose]: () => child.stdin.end(),
  }
}
