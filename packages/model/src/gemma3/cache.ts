import type { Graph } from '../graph/graph.ts'
import { cast } from '../graph/ops/arithmetic.ts'
import { type CachedHeads, groupQueryAttention, type Heads } from '../graph/ops/attend.ts'
import { maskedAttention } from '../graph/ops/masked-attention.ts'
import type { Value } from '../graph/value.ts'
import type { TextConfig } from './config.ts'
import type { DTypePolicy, FloatType } from './dtype-policy.ts'
import type { LayerKind } from './layer-kind.ts'

/** The cache as one layer sees it while the graph is built. */
export interface LayerCache {
  /** Appends this step's keys and values, and attends over everything cached so far. */
  attend(g: Graph, heads: Heads): Value<'b t nh'>
}

/** What the caches of all layers of one kind share in one step. */
export interface CacheStep {
  readonly kind: LayerKind
  /** `[b]` int32: the slot of each row's last token */
  readonly lastSlot: Value<'b'>
  /** `[1]` int32: filled slots of the longest row, this step included */
  readonly filled: Value<'1'>
  /** `[b, 1, t, s]` float32: the mask */
  readonly bias: Value<'b 1 t s'>
  /** W, where there is a window */
  readonly window: number | undefined
  /** bool, where the policy attends causally: whether in this step the mask says anything but causality and window */
  readonly isMasked: Value<''> | undefined
}

/** How {@link layerCache} holds keys and values, and attends over them. */
interface LayerCacheOptions {
  /** 0-based */
  readonly layer: number
  readonly policy: DTypePolicy
}

/**
 * Declares the cache of one layer as inputs and outputs of the model. At run time both are bound to the same memory, so
 * that a step writes its own slots and copies nothing.
 */
export function layerCache(
  g: Graph,
  config: TextConfig,
  step: CacheStep,
  { layer, policy }: LayerCacheOptions,
): LayerCache {
  const { queryHeads, keyHeads, headSize } = config
  const shape = ['b', keyHeads, `c_${step.kind}`, headSize]
  const names = cacheNames(layer)
  const past: CachedHeads = {
    keys: g.input(names.pastKeys, policy.cache, 'b k c h', shape),
    values: g.input(names.pastValues, policy.cache, 'b k c h', shape),
  }
  return {
    attend(g, given) {
      const { bias, window, isMasked } = step
      const heads = headsOf(g, given, policy.cache)
      const sight = isMasked === undefined ? { bias } : { window }
      const options = { queryHeads, keyHeads, sight, fuses: policy.fuses, ...step }
      const { seen, present } = groupQueryAttention(g, heads, past, options)
      g.output(names.presentKeys, present.keys)
      g.output(names.presentValues, present.values)
      if (isMasked === undefined) return cast(g, seen, given.query.dtype)
      // Written by the operator above, read by the mask: what that operator saw is not used then.
      const masked = maskedAttention(g, heads.query, present, bias)
      return cast(g, g.choose(isMasked, masked, seen), given.query.dtype)
    },
  }
}

function headsOf(g: Graph, { query, key, value }: Heads, dtype: FloatType): Heads {
  return { query: cast(g, query, dtype), key: cast(g, key, dtype), value: cast(g, value, dtype) }
}

/** Names of the inputs and outputs of {@link layerCache}. */
export function cacheNames(layer: number) {
  return {
    pastKeys: `past_keys.${layer}`,
    pastValues: `past_values.${layer}`,
    presentKeys: `present_keys.${layer}`,
    presentValues: `present_values.${layer}`,
  }
}
