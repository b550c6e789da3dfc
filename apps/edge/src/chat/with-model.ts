import { AppError, type ErrorCode } from '@loupe/shared/errors'
import type { ModelCatalog, ServedModel } from '../worker/model-catalog.ts'

/** Faults of what is made of the metadata: the name, the ids, the lengths, the places of pictures. */
const MADE_OF_METADATA: ReadonlySet<ErrorCode> = new Set([
  'model.unknown',
  'tokenizer.mismatch',
  'prompt.too_long',
  'image.count_mismatch',
  'request.unsupported',
])

/**
 * Does something with a model by what is known of it. That may be of a worker that has been replaced since: a refusal
 * that could come of it is believed only when the worker, asked again, says the same of its model.
 *
 * @throws AppError `model.unknown`, and what `work` throws
 */
export async function withModel<T>(
  name: string,
  models: ModelCatalog,
  signal: AbortSignal,
  work: (model: ServedModel) => Promise<T>,
): Promise<T> {
  const model = await models.open(name, signal)
  try {
    return await work(model)
  } catch (error) {
    if (!AppError.isInstance(error) || !MADE_OF_METADATA.has(error.code)) throw error
    models.forget(name)
    const current = await models.open(name, signal)
    if (JSON.stringify(current.metadata) === JSON.stringify(model.metadata)) throw error
    return await work(current)
  }
}
