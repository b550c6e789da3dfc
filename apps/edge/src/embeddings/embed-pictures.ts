import { AppError } from '@loupe/shared/errors'
import type { EmbeddingsRequest } from '@loupe/shared/schema'
import type { RequestIdentity } from '../chat/start-answer.ts'
import type { Services } from '../edge-env.ts'
import type { PreparedPicture } from '../images/prepare-images.ts'
import { meanFeature } from './mean-feature.ts'

/** Embeddings of pictures, and what they cost. */
export interface EmbeddedPictures {
  readonly model: string
  /** `[n, d]` */
  readonly embeddings: readonly Float32Array<ArrayBuffer>[]
  readonly tokens: number
}

/**
 * Describes pictures by the model's own features: the mean of what its language model would be shown. Near for pictures
 * that look alike to the model. It is no embedding that was trained to search with.
 *
 * @throws AppError `request.unsupported` for a model without vision, an `image.*` fault, what the worker reports
 */
export async function embedPictures(
  { model: name, pictures: references }: EmbeddingsRequest,
  { services, identity }: { readonly services: Services; readonly identity: RequestIdentity },
  signal: AbortSignal,
): Promise<EmbeddedPictures> {
  const { name: model, parameters } = await services.models.describe(name, signal)
  if (!parameters.has_vision) {
    throw new AppError('request.unsupported', `The model "${model}" takes no pictures.`, { param: 'model' })
  }
  const { tenant, requestId } = identity
  const pictures = await services.prepareImages(references, { tenant, signal, autoPanAndScan: false })
  const tokens = pictures.length * parameters.tokens_per_image
  const embed = async ([whole]: PreparedPicture) => {
    const asked = { tenant, request_id: requestId }
    return meanFeature(await services.worker.pictureFeatures(model, whole.patches, asked, signal))
  }
  const reservation = await services.ledger?.reserve({ promptTokens: tokens, answerTokens: 0 })
  let used = 0
  try {
    const embeddings: Float32Array<ArrayBuffer>[] = []
    // One after the other: features are as large as pictures.
    for (const picture of pictures) {
      embeddings.push(await embed(picture))
      used += parameters.tokens_per_image
    }
    return { model, embeddings, tokens }
  } finally {
    reservation?.settle(used, used === tokens)
  }
}
