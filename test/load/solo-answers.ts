import type { ModelMetadata } from '@loupe/shared/wire'
import { askWorker, type WorkerAddress } from './ask-worker.ts'
import { type LoadRequest, loadRequest } from './load-request.ts'

/** A question, and its answer when nobody else is there. */
export interface KnownRequest {
  readonly request: LoadRequest
  readonly answers: readonly (readonly number[])[]
}

/**
 * Sums of a batch are rounded otherwise than those of a single row, by about 1e-4. Where the two likeliest tokens are
 * closer than this, either of them would be right: such questions are not asked.
 */
const LEAST_LEAD = 5e-3

/** Asks an idle worker so many questions whose answers are clear. */
export async function soloAnswers(
  worker: WorkerAddress,
  model: ModelMetadata['parameters'],
  count: number,
): Promise<KnownRequest[]> {
  const known: KnownRequest[] = []
  for (let index = 0; known.length < count; index++) {
    const request = loadRequest(model, index)
    const parameters = { logprobs: true, top_logprobs: 2 }
    const { answers, closest, error } = await askWorker(worker, request, { parameters })
    if (error !== undefined) throw error
    if (closest >= LEAST_LEAD) known.push({ request, answers })
  }
  return known
}
