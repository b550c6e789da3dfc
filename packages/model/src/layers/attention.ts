import type { Graph } from '../graph/graph.ts'
import { fullAttention } from '../graph/ops/attend.ts'
import { reshape } from '../graph/ops/layout.ts'
import { named, type Value } from '../graph/value.ts'
import { type LinearWeights, linear } from './linear.ts'

/** The maps of plain self-attention, all with a bias. */
export interface SelfAttentionWeights {
  readonly query: LinearWeights<'d', 'nh'>
  readonly key: LinearWeights<'d', 'nh'>
  readonly value: LinearWeights<'d', 'nh'>
  readonly output: LinearWeights<'nh', 'd'>
}

/**
 * Splits the last axis into heads.
 *
 * @param x - `[b, t, n·h]`
 * @param count - n
 * @returns `[b, t, n, h]`
 */
export function splitHeads<N extends string>(g: Graph, x: Value<`b t ${N}h`>, count: number): Value<`b t ${N} h`> {
  const [batch = 0, tokens = 0, width = 0] = x.shape
  const headSize = typeof width === 'number' ? width / count : g.fail('a known width', width)
  return named(reshape(g, x, 'b t n h', [batch, tokens, count, headSize]))
}

/**
 * Lays the heads side by side again.
 *
 * @param x - `[b, t, n, h]`
 * @returns `[b, t, n·h]`
 */
export function mergeHeads<N extends string>(g: Graph, x: Value<`b t ${N} h`>): Value<`b t ${N}h`> {
  const [batch = 0, tokens = 0, count = 0, headSize = 0] = x.shape
  return named(reshape(g, x, 'b t nh', [batch, tokens, Number(count) * Number(headSize)]))
}

/**
 * Self-attention of every patch over every patch, scale h^(-1/2), no mask.
 *
 * The fused operator works in tiles. Scores written out would take 1 GB for 16 heads over 4,096 patches.
 *
 * @param x - `[b, p, d]`
 * @returns `[b, p, d]`
 * @see https://arxiv.org/abs/1706.03762 section 3.2
 */
export function selfAttention(g: Graph, w: SelfAttentionWeights, x: Value<'b p d'>, heads: number): Value<'b p d'> {
  const query = linear(g, w.query, x)
  const key = linear(g, w.key, x)
  const value = linear(g, w.value, x)
  const headSize = Number(query.shape[2]) / heads
  return linear(g, w.output, fullAttention(g, { query, key, value }, heads, headSize ** -0.5))
}
