import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { jsonLines } from '@loupe/gpu-worker/src/cli/json-lines.ts'
import { AppError } from '@loupe/shared/errors'

/** What the peer is asked; see `peer-llama.ts --help`. */
export interface PeerMeasure {
  readonly measure: 'prefill' | 'decode'
  readonly tokens: number
  readonly context?: number
}

/** What it answers. */
export interface PeerAnswer {
  readonly wallMs: number
  readonly cpuMs: number
  /** Of decode: the middle one of the tokens. */
  readonly medianMs?: number
}

/** llama.cpp in a process of its own, which idles while it is not asked. */
export interface PeerProcess extends Disposable {
  /** What loading took. */
  readonly loaded: PeerAnswer
  ask(measure: PeerMeasure): Promise<PeerAnswer>
}

/**
 * Starts `peer-llama.ts`.
 *
 * @param argv - its options
 * @throws AppError `runtime.failed` when it ends
 */
export async function startPeer(argv: readonly string[]): Promise<PeerProcess> {
  const script = join(import.meta.dirname, 'peer-llama.ts')
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', script, ...argv], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const lines = jsonLines(child.stdout)
  const next = async () => {
    const { value } = await lines.next()
    if (value === undefined) throw new AppError('runtime.failed', 'Expected a line of peer-llama.ts, found its end.')
    // Written by that script.
    return value.value as PeerAnswer
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
