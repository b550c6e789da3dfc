import { createStopCheck } from '@loupe/model'
import { AppError } from '@loupe/shared/errors'
import type { EngineEvent, GenerateJob } from './engine.ts'
import type { GenerativeModel } from './model.ts'

/**
 * Answers one request on a model: vision, prefill, then one token after the other.
 *
 * @param emit - takes each event at once and does not wait
 * @throws the reason of `signal` or what the model reports; the sequence and its cache are gone either way
 */
export async function runGenerateJob(
  model: GenerativeModel,
  job: GenerateJob,
  emit: (event: EngineEvent) => void,
  signal: AbortSignal,
): Promise<void> {
  emit({ type: 'start' })
  const features = await job.images.features(signal)
  const { inputIds, samplers } = job
  const [sampler] = samplers
  if (sampler === undefined || samplers.length > 1) {
    throw new AppError('request.unsupported', `Expected one answer, found ${samplers.length}.`)
  }
  using sequence = model.startSequence({ capacityTokens: inputIds.length + job.stop.maxTokens })
  const check = createStopCheck(job.stop)
  let logits = await sequence.prefill(inputIds, features, { signal })
  for (let emitted = 0; ; emitted++) {
    signal.throwIfAborted()
    const token = sampler.next(logits, emitted)
    const { isEmitted, finishReason } = check(token.id, emitted)
    if (isEmitted) emit({ type: 'token', choice: 0, ...token })
    if (finishReason !== undefined) return emit({ type: 'done', choice: 0, finishReason, cachedTokens: 0 })
    logits = await sequence.decode(token.id, { signal })
  }
}
