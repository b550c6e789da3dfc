import { AppError } from '@loupe/shared/errors'
import {
  decodeInferResponse,
  encodeInferRequest,
  type GenerateParameters,
  HEADER_LENGTH_HEADER,
  patchesTensor,
} from '@loupe/shared/wire'

/** What the model sees in a picture. */
export interface PictureFeatures {
  /** `[s, d]` row by row. */
  readonly data: Float32Array
  /** d, the width of a feature. */
  readonly width: number
}

/**
 * Writes the request for the features of one picture, to be answered in binary.
 *
 * @param patches - `[4096 * 588]` uint8
 */
export function encodeFeaturesRequest(patches: Uint8Array, parameters: GenerateParameters) {
  const asked = { ...parameters, binary_data_output: true }
  return encodeInferRequest({ id: parameters.request_id, parameters: asked, inputs: [patchesTensor([patches])] })
}

/** Reads the reply. @throws AppError `worker.lost` when it is not one */
export async function readFeatures(reply: Response): Promise<PictureFeatures> {
  const body = new Uint8Array(
    await reply.arrayBuffer().catch((cause: unknown) => {
      throw new AppError('worker.lost', 'The worker broke off in the middle of a reply.', { cause })
    }),
  )
  const { outputs } = decodeInferResponse({ headerLength: reply.headers.get(HEADER_LENGTH_HEADER), body })
  const features = outputs.find(({ name }) => name === 'image_features')
  const [pictures, , width] = features?.shape ?? []
  if (features?.datatype !== 'FP32' || pictures !== 1 || width === undefined || width === 0) {
    throw new AppError('worker.lost', 'The worker answered without the features of the picture.')
  }
  return { data: features.data, width }
}
