import { AppError } from '@loupe/shared/errors'
import type { EngineEvent, JobObserver } from '../engine/engine.ts'
import type { Log } from '../log.ts'
import type { WorkerMetrics } from '../metrics/worker-metrics.ts'

/** What the observer of one answer needs to know. */
export interface AnswerFacts {
  readonly requestId: string
  readonly promptTokens: number
  readonly images: number
  readonly imagesCached: number
}

/** Counts and logs one answer: how long and how much, never what. */
export function observeAnswer(
  facts: AnswerFacts,
  { metrics, log, now }: { metrics: WorkerMetrics; log: Log; now: () => number },
): JobObserver {
  const admittedMs = now()
  let tokens = 0
  let startMs = 0
  let firstTokenMs: number | undefined
  let finishReason: string | undefined
  const elapsed = () => now() - admittedMs

  function event(event: EngineEvent): void {
    if (event.type === 'start') {
      startMs = elapsed()
      metrics.queueTime.observe(startMs / 1000)
    }
    if (event.type === 'done') finishReason = event.finishReason
    if (event.type !== 'token') return
    metrics.generationTokens.add()
    tokens++
    if (firstTokenMs !== undefined) return
    firstTokenMs = elapsed()
    metrics.timeToFirstToken.observe(firstTokenMs / 1000)
    metrics.prefillTime.observe((firstTokenMs - startMs) / 1000)
  }

  function settled(error: unknown): void {
    if (error === undefined && finishReason !== undefined) {
      metrics.promptTokens.add(facts.promptTokens)
      metrics.requestSuccess.add(1, { finished_reason: finishReason })
      metrics.requestLatency.observe(elapsed() / 1000)
      if (firstTokenMs !== undefined) metrics.decodeTime.observe((elapsed() - firstTokenMs) / 1000)
    }
    const failure = error === undefined ? undefined : AppError.from(error)
    const isOurs = failure?.entry.type === 'server_error'
    log(isOurs ? 'error' : 'info', 'answer', {
      ...facts,
      completionTokens: tokens,
      firstTokenMs: firstTokenMs === undefined ? undefined : Math.round(firstTokenMs),
      totalMs: Math.round(elapsed()),
      outcome: failure?.code ?? finishReason,
      failure: isOurs ? failure : undefined,
    })
  }

  return { event, settled }
}
