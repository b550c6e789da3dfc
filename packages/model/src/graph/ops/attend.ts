/** The runtime's fused attention operators, in the domain `com.microsoft`. */
import type { Graph } from '../graph.ts'
import type { Value } from '../value.ts'
import { type HeadFusion, unprepareHeads } from './unprepare-heads.ts'

const MICROSOFT = 'com.microsoft'
/** A score of one query is then a plain product, for which a CPU has a kernel that packs no keys. */
const UNSCALED = { float: 1 }

/** Queries, keys and values of one step; heads lie side by side in the last axis. */
export interface Heads {
  /** `[b, t, n·h]` */
  readonly query: Value<'b t nh'>
  /** `[b, t, k·h]` */
  readonly key: Value<'b t kh'>
  /** `[b, t, k·h]` */
  readonly value: Value<'b t kh'>
}

/** Keys and values of all steps, `[b, k, c, h]` for a capacity of c tokens. */
export interface CachedHeads {
  readonly keys: Value<'b k c h'>
  readonly values: Value<'b k c h'>
}

/** What {@link groupQueryAttention} needs to know besides the tensors. */
export interface GroupQueryOptions {
  readonly queryHeads: number
  readonly keyHeads: number
  /** `[b]` int32: the slot of each row's last token. */
  readonly lastSlot: Value<'b'>
  /** `[1]` int32: filled slots of the longest row, this step included. */
  readonly filled: Value<'1'>
  /**
   * What each query sees: what `bias` says, `[b, 1, t, s]` added to the scores, which carries the whole mask; or what
   * stands before it and itself, at most `window` tokens.
   */
  readonly sight: { readonly bias: Value<'b 1 t s'> } | { readonly window: number | undefined }
  readonly fuses: HeadFusion
}

/**
 * Writes this step's keys and values into the cache and attends over all of it, each key head serving
 * `queryHeads / keyHeads` query heads. With one buffer bound as past and present the cache is updated in place. Scores are
 * products of queries and keys as they are: whoever wants them scaled scales the queries.
 *
 * @see https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.GroupQueryAttention
 */
export function groupQueryAttention(
  g: Graph,
  heads: Heads,
  past: CachedHeads,
  options: GroupQueryOptions,
): { seen: Value<'b t nh'>; present: CachedHeads } {
  expectHeads(g, heads, past, options)
  const { queryHeads, keyHeads, lastSlot, filled, sight } = options
  const { query, key, table, gains, epsilon } = unprepareHeads(g, heads, options.fuses)
  const [cosines, sines, rows] = table
  const bias = 'bias' in sight ? sight.bias : undefined
  const unused = [undefined, undefined, undefined] // a sink, and the scales of a quantised cache
  const inputs = [query, key, heads.value, past.keys, past.values, lastSlot, filled, cosines, sines, rows, bias]
  const [seen, keys, values] = g.callLike(
    {
      op: 'GroupQueryAttention',
      domain: MICROSOFT,
      inputs: gains.length === 0 ? inputs : [...inputs, ...unused, ...gains],
      attributes: {
        num_heads: queryHeads,
        kv_num_heads: keyHeads,
        scale: UNSCALED,
        ...('bias' in sight ? { causal: 0 } : { local_window_size: sight.window ?? -1 }),
        ...(table.length === 0 ? {} : { do_rotary: 1 }),
        ...(gains.length === 0 ? {} : { qk_norm_epsilon: { float: epsilon } }),
      },
    },
    heads.query,
    past.keys,
    past.values,
  )
  return { seen, present: { keys, values } }
}

function expectHeads(g: Graph, heads: Heads, past: CachedHeads, options: GroupQueryOptions): void {
  const { queryHeads, keyHeads, sight } = options
  const [batch, tokens] = heads.query.shape
  const headSize = past.keys.shape[3]
  const width = (count: number) => (typeof headSize === 'number' ? headSize * count : undefined)
  g.expectShape('queries', heads.query, [batch, tokens, width(queryHeads)])
  g.expectShape('keys', heads.key, [batch, tokens, width(keyHeads)])
  g.expectShape('values', heads.value, [batch, tokens, width(keyHeads)])
  g.expectShape('cached keys', past.keys, [batch, keyHeads, undefined, headSize])
  g.expectShape('cached values', past.values, past.keys.shape)
  if ('bias' in sight) g.expectShape('a bias', sight.bias, [batch, 1, tokens, undefined])
}

/**
 * Attention of every token over every token of the same row, without a mask.
 *
 * @param heads - with as many key heads as query heads
 * @see https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.MultiHeadAttention
 */
export function fullAttention(
  g: Graph,
  { query, key, value }: Record<'query' | 'key' | 'value', Value<'b p nh'>>,
  count: number,
  scale: number,
): Value<'b p nh'> {
  g.expectShape('keys', key, query.shape)
  g.expectShape('values', value, query.shape)
  return g.call(
    {
      op: 'MultiHeadAttention',
      domain: MICROSOFT,
      inputs: [query, key, value],
      attributes: { num_heads: count, scale: { float: scale } },
    },
    query,
  )
}

/**
 * Turns lane i of each head together with lane i + h/2 by the angle of the token's place.
 *
 * @param x - `[b, t, n·h]`
 * @param rows - `[b, t]` int64: each token's row in the tables
 * @param table - cosines and sines, `[r, h/2]`
 * @see https://arxiv.org/abs/2104.09864
 */
export function rotate<A extends string>(
  g: Graph,
  x: Value<A>,
  rows: Value<'b t'>,
  table: { cosines: Value<'r h'>; sines: Value<'r h'> },
  count: number,
): Value<A> {
  const half = table.cosines.shape[1]
  g.expectShape('heads to rotate', x, [...rows.shape, typeof half === 'number' ? 2 * half * count : undefined])
  return g.call(
    {
      op: 'RotaryEmbedding',
      domain: MICROSOFT,
      inputs: [x, rows, table.cosines, table.sines],
      attributes: { num_heads: count },
    },
    x,
  )
}
