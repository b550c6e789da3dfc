import type { Graph } from '../graph.ts'
import { type Dim, elementCount } from '../shape.ts'
import { type AnyValue, named, type Value } from '../value.ts'
import { add, cast } from './arithmetic.ts'
import type { CachedHeads } from './attend.ts'
import { reshape, sizeOf, transpose } from './layout.ts'

/**
 * Attention over the filled slots of a cache, by a mask alone, written out in plain operators:
 *
 *     softmax( q kᵀ + bias ) v
 *
 * All queries of one key head are rows of one product. Scores are added to and normalised in float32; they take n · t · s
 * numbers.
 *
 * @param query - `[b, t, n·h]`
 * @param cached - `[b, k, c, h]`, this step included
 * @param bias - `[b, 1, t, s]` float32, added to the scores
 * @returns `[b, t, n·h]`
 * @see https://arxiv.org/abs/1706.03762 section 3.2
 */
export function maskedAttention(
  g: Graph,
  query: Value<'b t nh'>,
  cached: CachedHeads,
  bias: Value<'b 1 t s'>,
): Value<'b t nh'> {
  const [batch = 0, tokens = 0, width] = query.shape
  const [, keyHeads, , headSize] = cached.keys.shape
  const [, , , filled = 0] = bias.shape
  const [k, h] = [Number(keyHeads), Number(headSize)]
  const group = Number(width) / h / k // e: queries of one key head
  const merged = elementCount([group, tokens])
  g.expectShape('a bias', bias, [batch, 1, tokens, filled])

  const split = reshape(g, query, 'b t k e h', [batch, tokens, k, group, h])
  const rows = reshape(g, transpose(g, split, 'b k e t h', [0, 2, 3, 1, 4]), 'b k et h', [batch, k, merged, h])
  const keys = transpose(g, filledSlots(g, cached.keys, filled), 'b k h s', [0, 1, 3, 2])
  const scores = reshape(g, product(g, rows, keys, 'b k et s'), 'b n t s', [batch, k * group, tokens, filled])
  const weights = softmax(g, add(g, cast(g, scores, 'float32'), named(bias)))
  const perKey = reshape(g, cast(g, weights, query.dtype), 'b k et s', [batch, k, merged, filled])
  const seen = product(g, perKey, filledSlots(g, cached.values, filled), 'b k et h')
  const heads = reshape(g, seen, 'b k e t h', [batch, k, group, tokens, h])
  return reshape(g, transpose(g, heads, 'b t k e h', [0, 3, 1, 2, 4]), 'b t nh', query.shape)
}

/** The first `filled` slots. @param heads - `[b, k, c, h]` @returns `[b, k, s, h]` */
function filledSlots(g: Graph, heads: Value<'b k c h'>, filled: Dim): Value<'b k s h'> {
  const [batch = 0, keyHeads = 0, , headSize = 0] = heads.shape
  const [start, axis] = [0, 2].map((number) => g.constant('int64', 'r', [1], BigInt64Array.of(BigInt(number))))
  const call = { op: 'Slice', inputs: [heads, start, sizeOf(g, filled), axis] }
  return g.call(call, { dtype: heads.dtype, shape: [batch, keyHeads, filled, headSize] })
}

/** Matrix products of the last two axes. */
function product<A extends string>(g: Graph, x: AnyValue, y: AnyValue, axes: A): Value<A> {
  const shape = [...x.shape.slice(0, -1), y.shape.at(-1) ?? 0]
  g.expectAxes(axes, shape)
  return g.call({ op: 'MatMul', inputs: [x, y] }, { dtype: x.dtype, shape })
}

function softmax<A extends string>(g: Graph, x: Value<A>): Value<A> {
  return g.call({ op: 'Softmax', inputs: [x], attributes: { axis: -1 } }, x)
}
