import type { Engine, GenerateJob } from '@loupe/gpu-worker/src/engine/engine.ts'
import type { EngineMonitor } from '@loupe/gpu-worker/src/engine/engine-monitor.ts'

/** Nobody watches. */
export const UNWATCHED: EngineMonitor = { step: () => {}, tokenGap: () => {}, preempted: () => {} }

/** An answer, and when it was made. */
export interface TimedAnswer {
  readonly ids: readonly number[]
  /** Tokens of the prompt that were not computed. */
  readonly cachedTokens: number
  /** From the question to the first token, milliseconds. */
  readonly firstTokenMs: number
  /** From the first token to the last, milliseconds. */
  readonly decodeMs: number
  /** The same in processor time of this process. */
  readonly decodeCpuMs: number
}

/** Asks an engine something without pictures, and waits for the answer. */
export async function timeAnswer(
  engine: Engine,
  question: Pick<GenerateJob, 'inputIds' | 'samplers' | 'stop'>,
  signal: AbortSignal,
): Promise<TimedAnswer> {
  const job = {
    ...question,
    images: { cached: 0, digests: [], features: () => Promise.resolve([]), [Symbol.dispose]: () => {} },
    observer: { event: () => {}, settled: () => {} },
    tenant: '',
    priority: 0,
    timeoutMs: undefined,
  }
  const startedMs = performance.now()
  const ids: number[] = []
  let cachedTokens = 0
  let [firstMs, lastMs] = [startedMs, startedMs]
  let [firstCpu, lastCpu] = [cpuMs(), cpuMs()]
  for await (const event of engine.generate(job, signal)) {
    if (event.type === 'done') cachedTokens = event.cachedTokens
    if (event.type !== 'token') continue
    lastMs = performance.now()
    lastCpu = cpuMs()
    if (ids.length === 0) [firstMs, firstCpu] = [lastMs, lastCpu]
    ids.push(event.id)
  }
  return {
    ids,
    cachedTokens,
    firstTokenMs: firstMs - startedMs,
    decodeMs: lastMs - firstMs,
    decodeCpuMs: lastCpu - firstCpu,
  }
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}
