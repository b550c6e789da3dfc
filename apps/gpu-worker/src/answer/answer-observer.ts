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
  let isPromptRead = false
  let firstTokenMs: number | undefined
  let finishReason: string | undefined
  const elapsed = () => now() - admittedMs

  function event(event: EngineEvent): void {
    if (event.type === 'start') {
      startMs = elapsed()
      metrics.queueTime.observe(startMs / 1000)
      return
    }
    if (!isPromptRead) metrics.promptTokens.add(facts.promptTokens)
    isPromptRead = true
    if (event.type === 'token') token()
    else finishReason = event.finishReason
  }

  function token(): void {
    metrics.generationTokens.add()
    tokens++
    if (firstTokenMs !== undefined) return
    firstTokenMs = elapsed()
    metrics.timeToFirstToken.observe(firstTokenMs / 1000)
    metrics.prefillTime.observe((firstTokenMs - startMs) / 1000)
  }

  function answered(): void {
    metrics.requestLatency.observe(elapsed() / 1000)
    if (firstTokenMs !== undefined) metrics.decodeTime.observe((elapsed() - firstTokenMs) / 1000)
    metrics.requestPromptTokens.observe(facts.promptTokens)
    metrics.requestGenerationTokens.observe(tokens)
  }

  function settled(error: unknown): void {
    const failure = error === undefined ? undefined : AppError.from(error)
    metrics.requestSuccess.add(1, {
      finished_reason: failure === undefined ? (finishReason ?? 'stop') : endOf(failure),
    })
    if (failure === undefined) answered()
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

/** How an answer ended that did not come to its own end, as vLLM calls it. */
function endOf(failure: AppError): 'abort' | 'error' {
  return failure.code === 'request.cancelled' ? 'abort' : 'error'
}
