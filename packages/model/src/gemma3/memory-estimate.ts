import { elementsOf } from '../weights/dtype.ts'
import type { Gemma3Config, VisionConfig } from './config.ts'
import { TOKEN_EMBEDDING } from './names.ts'

/** Memory that a model takes on a CPU, where everything is computed in float32. Bytes. */
export interface MemoryEstimate {
  /** Weights as they lie in memory while the model runs. */
  readonly weightsBytes: number
  /** Keys and values of one token, over all layers. Multiply by the capacity of a sequence. */
  readonly cacheBytesPerToken: number
  /** The largest set of intermediate results while one picture is looked at; 0 in a text model. */
  readonly visionBytes: number
}

/** What memory depends on in a weight. */
export interface WeightSize {
  /** As its file names it: `F32`, `Q4_0`. */
  readonly dtype: string
  /** Row-major. */
  readonly shape: readonly number[]
  /** As stored. */
  readonly bytes: number
}

const FLOAT32_BYTES = 4

/** Estimates memory from sizes alone. What the runtime keeps for itself comes on top. */
export function estimateMemory(config: Gemma3Config, weights: ReadonlyMap<string, WeightSize>): MemoryEstimate {
  const { layers, keyHeads, headSize } = config.text
  return {
    weightsBytes: weightsInMemory(weights),
    cacheBytesPerToken: layers * 2 * keyHeads * headSize * FLOAT32_BYTES,
    visionBytes: config.vision === undefined ? 0 : visionActivations(config.vision),
  }
}

/** A narrower weight is widened on load. The embedding table is needed twice: as it is stored for rows, widened as head. */
function weightsInMemory(weights: ReadonlyMap<string, WeightSize>): number {
  let bytes = 0
  for (const [name, { dtype, shape, bytes: stored }] of weights) {
    bytes += elementsOf(shape) * FLOAT32_BYTES
    if (name === TOKEN_EMBEDDING && dtype !== 'F32') bytes += stored
  }
  return bytes
}

/**
 * Whichever half of an encoder layer needs more, beside the residual stream: attention holds queries, keys, values, each
 * once more by heads, and its result; the MLP holds its normed input, and its wide state before and after the activation.
 * Scores are computed in tiles and do not count.
 */
function visionActivations({ imageSize, patchSize, hiddenSize, intermediateSize }: VisionConfig): number {
  const patches = (imageSize / patchSize) ** 2
  const attention = 7 * hiddenSize
  const mlp = hiddenSize + 2 * intermediateSize
  return patches * (hiddenSize + Math.max(attention, mlp)) * FLOAT32_BYTES
}
