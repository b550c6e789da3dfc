import type { Graph } from '../graph/graph.ts'
import { reshape, transpose } from '../graph/ops/layout.ts'
import type { Value } from '../graph/value.ts'
import { linear } from './linear.ts'

/** A convolution whose stride is its kernel: one linear map, applied to each patch. */
export interface PatchEmbedWeights {
  readonly path: string
  /** `[d, channel, y, x]` float32 */
  readonly weight: Value<'d c y x'>
  /** `[d]` float32 */
  readonly bias: Value<'d'>
}

/**
 * Embeds patches of pixels.
 *
 * The kernel is brought into the order of a patch by the runtime, once, while it loads the model.
 *
 * @param patches - `[b, p, y·x·channel]` float32; channels vary fastest
 * @returns `[b, p, d]` float32
 * @see https://arxiv.org/abs/2010.11929 section 3.1
 */
export function patchEmbed(g: Graph, w: PatchEmbedWeights, patches: Value<'b p xyc'>): Value<'b p d'> {
  return g.at(w.path, () => {
    const [width = 0, ...kernel] = w.weight.shape
    const inner = kernel.reduce<number>((product, size) => product * Number(size), 1)
    const kernelLast = transpose(g, w.weight, 'd y x c', [0, 2, 3, 1])
    const weight = reshape(g, kernelLast, 'd xyc', [width, inner])
    return linear(g, { path: w.path, weight, bias: w.bias }, patches)
  })
}
