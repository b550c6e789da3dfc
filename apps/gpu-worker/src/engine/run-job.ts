import { createStopCheck } from '@loupe/model'
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
  const { inputIds, sampler } = job
  using sequence = model.startSequence({ capacityTokens: inputIds.length + job.stop.maxTokens })
  const check = createStopCheck(job.stop)
  let logits = await sequence.prefill(inputIds, features, { signal })
  for (let emitted = 0; ; emitted++) {
    signal.throwIfAborted()
    const { id, logprob } = sampler.next(logits, emitted)
    const { isEmitted, finishReason } = check(id, emitted)
    if (isEmitted) emit({ type: 'token', id, logprob })
    if (finishReason !== undefined) return emit({ type: 'done', finishReason, cachedTokens: 0 })
    logits = await sequence.decode(id, { signal })
  }
}
