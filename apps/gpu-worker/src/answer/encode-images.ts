import { createHash } from 'node:crypto'
import type { decodeVisionRequest, InferResponse } from '@loupe/shared/wire'
import type { ServedModel } from '../served-model.ts'
import { cacheScope, NO_TENANT } from './cache-scope.ts'

/**
 * Computes image features as a service.
 *
 * @returns `image_features` FP32 `[k, tokens_per_image, d]`
 * @throws AppError `queue.full`, or what the model reports
 */
export async function encodeImages(
  served: ServedModel,
  request: ReturnType<typeof decodeVisionRequest>,
  signal: AbortSignal,
): Promise<InferResponse> {
  const { patches, parameters } = request
  const { name, parameters: model } = served.metadata
  const tenant = parameters.tenant ?? NO_TENANT
  const digests = patches.map((picture) => createHash('sha256').update(picture).digest('hex'))
  const images = served.images.claim(cacheScope(parameters), digests, patches)
  const cached = images.cached
  const job = {
    tenant,
    priority: parameters.priority ?? 0,
    timeoutMs: parameters.timeout_ms,
    images,
    costTokens: patches.length * model.tokens_per_image,
  }
  try {
    const features = await served.engine.encode(job, signal)
    return {
      model_name: name,
      id: request.id,
      parameters: { images_cached: cached },
      outputs: [imageFeatures(features, model.tokens_per_image)],
    }
  } finally {
    images[Symbol.dispose]()
  }
}

function imageFeatures(features: readonly Float32Array[], tokensPerImage: number) {
  const size = features[0]?.length ?? 0
  const data = new Float32Array(features.length * size)
  features.forEach((picture, index) => {
    data.set(picture, index * size)
  })
  const shape = [features.length, tokensPerImage, size / tokensPerImage]
  return { name: 'image_features', datatype: 'FP32', shape, data } as const
}
