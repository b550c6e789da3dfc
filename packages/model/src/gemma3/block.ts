import type { Graph } from '../graph/graph.ts'
import { add } from '../graph/ops/arithmetic.ts'
import type { Value } from '../graph/value.ts'
import { mergeHeads, splitHeads } from '../layers/attention.ts'
import { type GatedMlpWeights, gatedMlp } from '../layers/gated-mlp.ts'
import { type LinearWeights, linear } from '../layers/linear.ts'
import { type RmsNormWeights, rmsNorm } from '../layers/rms-norm.ts'
import { type Rotary, rope } from '../layers/rope.ts'
import type { LayerCache } from './cache.ts'

/** The residual stream. */
export type Hidden = Value<'b t d'>

/** The weights of {@link block}. */
export interface BlockWeights {
  readonly path: string
  readonly attentionIn: RmsNormWeights
  readonly attention: AttentionWeights
  readonly attentionOut: RmsNormWeights
  readonly mlpIn: RmsNormWeights
  readonly mlp: GatedMlpWeights
  readonly mlpOut: RmsNormWeights
}

/** The weights of a block's attention. */
interface AttentionWeights {
  readonly path: string
  readonly query: LinearWeights<'d', 'nh'>
  readonly queryNorm: RmsNormWeights
  readonly key: LinearWeights<'d', 'kh'>
  readonly keyNorm: RmsNormWeights
  readonly value: LinearWeights<'d', 'kh'>
  readonly output: LinearWeights<'nh', 'd'>
}

/** What distinguishes one layer from the next besides its weights. */
export interface LayerContext {
  readonly queryHeads: number
  readonly keyHeads: number
  /** Angles of this kind of layer, local or global. */
  readonly rotary: Rotary
  /** Also holds the mask of this kind of layer. */
  readonly cache: LayerCache
}

/**
 * One decoder layer. Gemma norms both the way in and the way out of each half; only the adds see raw values.
 *
 * @param x - residual stream, `[b, t, d]`
 * @returns the next residual stream, `[b, t, d]`
 * @throws AppError `graph.shape_mismatch` naming the module, if a weight does not fit the config
 * @see https://arxiv.org/abs/2503.19786 section 2; checkpoint names in `names.ts`
 */
export function block(g: Graph, w: BlockWeights, x: Hidden, at: LayerContext): Hidden {
  return g.at(w.path, () => {
    const attended = attention(g, w.attention, rmsNorm(g, w.attentionIn, x), at)
    const middle = add(g, x, rmsNorm(g, w.attentionOut, attended))

    const mixed = gatedMlp(g, w.mlp, rmsNorm(g, w.mlpIn, middle))
    return add(g, middle, rmsNorm(g, w.mlpOut, mixed))
  })
}

function attention(g: Graph, w: AttentionWeights, x: Hidden, at: LayerContext): Hidden {
  return g.at(w.path, () => {
    const q = rmsNorm(g, w.queryNorm, splitHeads(g, linear(g, w.query, x), at.queryHeads)) // [b, t, n, h]
    const k = rmsNorm(g, w.keyNorm, splitHeads(g, linear(g, w.key, x), at.keyHeads)) //       [b, t, k, h]
    const value = linear(g, w.value, x) //                                                     [b, t, k·h]

    // The cache is the only difference between prefill, decode and a full forward.
    const query = rope(g, mergeHeads(g, q), at.rotary, at.queryHeads)
    const key = rope(g, mergeHeads(g, k), at.rotary, at.keyHeads)
    return linear(g, w.output, at.cache.attend(g, { query, key, value }))
  })
}
