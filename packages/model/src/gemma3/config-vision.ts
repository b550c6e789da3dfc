import { configFault } from './config-parse.ts'
import type { RawVisionConfig } from './config-schema.ts'

/** The SigLIP vision tower. */
export interface VisionConfig {
  /** Width of the tower, d of the tower. */
  readonly hiddenSize: number
  /** f of the tower. */
  readonly intermediateSize: number
  /** Encoder layers. */
  readonly layers: number
  /** Divides `hiddenSize`. */
  readonly heads: number
  /** Side of the square picture, pixels. */
  readonly imageSize: number
  /** Side of a square patch, pixels; divides `imageSize`. */
  readonly patchSize: number
  /** Also the epsilon of the projector's RMS norm. */
  readonly layerNormEps: number
  /** Colours of a pixel: 3. */
  readonly channels: number
}

/**
 * Checks that the sizes of the tower fit each other and the pooling to `tokensPerImage`.
 *
 * @param file - the name that an error message starts with
 * @throws AppError `config.invalid` naming every key at fault
 */
export function resolveVisionConfig(raw: RawVisionConfig, file: string, tokensPerImage: number): VisionConfig {
  const faults: string[] = []
  const tokensPerSide = Math.sqrt(tokensPerImage)
  if (raw.image_size % raw.patch_size !== 0) {
    const expected = `a divisor of image_size ${raw.image_size}`
    faults.push(`vision_config.patch_size: expected ${expected}, found ${raw.patch_size}`)
  } else if (!Number.isInteger(tokensPerSide) || (raw.image_size / raw.patch_size) % tokensPerSide !== 0) {
    const side = raw.image_size / raw.patch_size
    const expected = `a square number whose root divides the ${side} patches of a side`
    faults.push(`mm_tokens_per_image: expected ${expected}, found ${tokensPerImage}`)
  }
  if (raw.hidden_size % raw.num_attention_heads !== 0) {
    const expected = `a divisor of hidden_size ${raw.hidden_size}`
    faults.push(`vision_config.num_attention_heads: expected ${expected}, found ${raw.num_attention_heads}`)
  }
  if (faults.length > 0) throw configFault(file, faults)
  return {
    hiddenSize: raw.hidden_size,
    intermediateSize: raw.intermediate_size,
    layers: raw.num_hidden_layers,
    heads: raw.num_attention_heads,
    imageSize: raw.image_size,
    patchSize: raw.patch_size,
    layerNormEps: raw.layer_norm_eps,
    channels: raw.num_channels,
  }
}
