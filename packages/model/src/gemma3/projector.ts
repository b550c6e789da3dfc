import { Graph } from '../graph/graph.ts'
import { reshape } from '../graph/ops/layout.ts'
import { matmul } from '../graph/ops/linear.ts'
import { meanOver } from '../graph/ops/normalize.ts'
import { elementCount } from '../graph/shape.ts'
import type { Value } from '../graph/value.ts'
import { rmsNorm } from '../layers/rms-norm.ts'
import type { Gemma3Config, VisionConfig } from './config.ts'
import { type ParameterOptions, type Parameters, parameters, type TensorSource } from './parameters.ts'

/** What a projector is cut for. */
export interface ProjectorSizes {
  /** Width of the vision tower. */
  readonly inputSize: number
  /** d, width of the language model. */
  readonly hiddenSize: number
  /** Pixels along each side of a picture. */
  readonly imageSize: number
  /** Pixels along each side of a patch. */
  readonly patchDim: number
  /** m: image features of one picture. */
  readonly tokensPerImage: number
  /** Of the RMS norm. */
  readonly layernormEpsilon: number
}

/** The projector that goes with a model. Its norm has the epsilon of the tower. */
export function projectorSizes({ text, tokensPerImage }: Gemma3Config, vision: VisionConfig): ProjectorSizes {
  return {
    inputSize: vision.hiddenSize,
    hiddenSize: text.hiddenSize,
    imageSize: vision.imageSize,
    patchDim: vision.patchSize,
    tokensPerImage,
    layernormEpsilon: vision.layerNormEps,
  }
}

/**
 * The projector alone. Input `last_hidden_state`: `[b, p, i]` float32 of the vision tower. Output `image_features`:
 * `[b, m, d]`.
 *
 * @returns ONNX bytes whose weights are external data of the checkpoint's files
 * @throws AppError `graph.shape_mismatch` naming the weight that does not fit
 */
export function projectorGraph(
  sizes: ProjectorSizes,
  source: TensorSource,
  options: ParameterOptions = {},
): Uint8Array {
  const g = new Graph()
  const shape = ['b', (sizes.imageSize / sizes.patchDim) ** 2, sizes.inputSize]
  const states = g.input('last_hidden_state', 'float32', 'b p d', shape)
  g.output('image_features', project(g, parameters(g, source, options), sizes, states))
  return g.encode()
}

/**
 * From patches to image features: the mean of each square of patches, a zero-centred RMS norm, one matrix.
 *
 *     64 × 64 patches, 256 features:   feature 16·r + c  =  mean of patch rows 4r … 4r+3, columns 4c … 4c+3
 *
 * @param states - `[b, p, d]` of the vision tower
 * @returns `[b, m, d]`, m features in the language model's width
 */
export function project(g: Graph, p: Parameters, sizes: ProjectorSizes, states: Value<'b p d'>): Value<'b m d'> {
  const { inputSize: inner, hiddenSize: outer, imageSize, patchDim, tokensPerImage, layernormEpsilon } = sizes
  const path = 'multi_modal_projector'
  const norm = p.rmsNorm(`${path}.mm_soft_emb_norm`, inner, layernormEpsilon)
  // The one matrix of the checkpoint that is stored [in, out].
  const matrix = p.tensor(`${path}.mm_input_projection_weight`, 'i o', [inner, outer])

  return g.at(path, () => {
    const [batch = 0] = states.shape
    const side = Math.sqrt(tokensPerImage)
    const square = imageSize / patchDim / side
    const tiled = reshape(g, states, 'b y j x i d', [batch, side, square, side, square, inner])
    const pooled = reshape(g, meanOver(g, tiled, [2, 4], 'b y x d'), 'b m d', [batch, tokensPerImage, inner])
    const rows = reshape(g, rmsNorm(g, norm, pooled), 'r i', [elementCount([batch, tokensPerImage]), inner])
    return reshape(g, matmul(g, rows, matrix), 'b m d', [batch, tokensPerImage, outer])
  })
}
