import type { ChatRequest, TokenCount } from '@loupe/shared/schema'
import type { Services } from '../edge-env.ts'
import { requestPictures } from './request-pictures.ts'
import type { RequestIdentity } from './start-answer.ts'
import { withModel } from './with-model.ts'
import { writePrompt } from './write-prompt.ts'

/**
 * Counts the tokens of a chat request, and asks the worker for nothing but what it says of its model.
 *
 * Pictures are fetched, and their headers are read and checked. Nothing is decoded, since a picture costs the same
 * whatever it shows: damage behind a header, and what is wrong with a grammar, show only in the answer.
 *
 * @throws AppError what `startAnswer` throws before it asks the worker, but for a prompt that does not fit the context
 */
export async function countRequest(
  request: ChatRequest,
  { services, identity }: { readonly services: Services; readonly identity: Pick<RequestIdentity, 'tenant'> },
  signal: AbortSignal,
): Promise<TokenCount> {
  const { tenant } = identity
  const crops = requestPictures(request, { tenant, signal }, services.measureImages)
  return withModel(request.model, services.models, signal, async (model) => {
    const { ids, imagePlaces } = writePrompt(model, request, await crops(model))
    const { context_length, tokens_per_image } = model.metadata.parameters
    const image_tokens = imagePlaces * tokens_per_image
    const room = Math.max(context_length - ids.length, 0)
    return {
      input_tokens: ids.length,
      text_tokens: ids.length - image_tokens,
      image_tokens,
      images: imagePlaces,
      context_length,
      fits: room >= (request.answer.maxTokens ?? 1),
      max_answer_tokens: room,
    }
  })
}
