import type { Graph } from '../graph/graph.ts'
import { reshape } from '../graph/ops/layout.ts'
import { matmul } from '../graph/ops/linear.ts'
import { meanOver } from '../graph/ops/normalize.ts'
import { elementCount } from '../graph/shape.ts'
import type { Value } from '../graph/value.ts'
import { rmsNorm } from '../layers/rms-norm.ts'
import type { Gemma3Config } from './config.ts'
import type { Parameters } from './parameters.ts'

/**
 * From patches to image features: the mean of each square of patches, a zero-centred RMS norm, one matrix.
 *
 *     64 × 64 patches, 256 features:   feature 16·r + c  =  mean of patch rows 4r … 4r+3, columns 4c … 4c+3
 *
 * @param states - `[b, p, d]` of the vision tower
 * @returns `[b, m, d]`, m features in the language model's width
 */
export function project(g: Graph, p: Parameters, config: Gemma3Config, states: Value<'b p d'>): Value<'b m d'> {
  const path = 'multi_modal_projector'
  const [batch = 0, patchCount, width] = states.shape.map((dim, axis) => (axis === 0 ? dim : Number(dim)))
  const [patches, inner] = [Number(patchCount), Number(width)]
  const epsilon = config.vision?.layerNormEps ?? g.fail('a vision config', 'none')
  const norm = p.rmsNorm(`${path}.mm_soft_emb_norm`, inner, epsilon)
  // The one matrix of the checkpoint that is stored [in, out].
  const matrix = p.tensor(`${path}.mm_input_projection_weight`, 'i o', [inner, config.text.hiddenSize])

  return g.at(path, () => {
    const side = Math.sqrt(config.tokensPerImage)
    const square = Math.sqrt(patches) / side
    const tiled = reshape(g, states, 'b y j x i d', [batch, side, square, side, square, inner])
    const pooled = reshape(g, meanOver(g, tiled, [2, 4], 'b y x d'), 'b m d', [batch, side * side, inner])
    const rows = reshape(g, rmsNorm(g, norm, pooled), 'r i', [elementCount([batch, side * side]), inner])
    return reshape(g, matmul(g, rows, matrix), 'b m d', [batch, side * side, config.text.hiddenSize])
  })
}
