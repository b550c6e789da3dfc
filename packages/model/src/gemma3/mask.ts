import type { Graph } from '../graph/graph.ts'
import { addNumber, cast } from '../graph/ops/arithmetic.ts'
import { countUp, pickInRows, reshape } from '../graph/ops/layout.ts'
import { both, choose, either, equal, greater, isAbove, lessOrEqual } from '../graph/ops/logic.ts'
import type { Value } from '../graph/value.ts'

/** Block id of a text token. Images count from 1. */
export const TEXT_BLOCK = 0
/** Block id of a slot that no query may see: padding. */
export const HIDDEN_BLOCK = -1

/** Far below any score, yet finite: a row that sees nothing becomes an average and not NaN. */
const HIDDEN_SCORE = -3.4028234663852886e38

/**
 * Which picture each token belongs to.
 *
 * A block is a run of image tokens: two pictures are always apart, since each is wrapped in its own begin and end token.
 *
 *     ids     bos boi img img eoi  a  boi img img eoi
 *     blocks   0   0   1   1   0   0   0   2   2   0
 *
 * @param ids - the whole sequence, `[t]`. Ids of a part would number its blocks from 1 again.
 * @returns `[t]`
 */
export function imageBlocks(ids: ArrayLike<number>, imageTokenId: number): Int32Array {
  const blocks = new Int32Array(ids.length)
  let count = 0
  for (let t = 0; t < ids.length; t++) {
    if (ids[t] !== imageTokenId) continue
    if (t === 0 || ids[t - 1] !== imageTokenId) count++
    blocks[t] = count
  }
  return blocks
}

/** The masks of both kinds of layer over one sequence, `[t, t]`: 1 where the query (row) sees the key (column). Of a step on a cache only the rows of its own queries. */
export interface AttentionGrids {
  /** t */
  readonly tokens: number
  /** `[t·t]` of the layers with a window */
  readonly local: Uint8Array
  /** `[t·t]` of the layers that see everything */
  readonly global: Uint8Array
}

/**
 * What {@link attentionBias} makes the runtime compute, written out for one whole sequence.
 *
 *     blocks      0 1 1 0        global   1 . . .     local, W = 2   1 . . .
 *                                         1 1 1 .                    1 1 1 .
 *                                         1 1 1 .                    . 1 1 .
 *                                         1 1 1 1                    . . 1 1
 *
 * @param blocks - `[t]`, as {@link imageBlocks}; {@link HIDDEN_BLOCK} for padding
 * @param window - W: keys a query of a local layer sees looking back, itself included
 */
export function attentionGrids(blocks: ArrayLike<number>, window: number): AttentionGrids {
  const tokens = blocks.length
  const local = new Uint8Array(tokens * tokens)
  const global = new Uint8Array(tokens * tokens)
  for (let q = 0; q < tokens; q++) {
    for (let k = 0; k < tokens; k++) {
      const [queryBlock = 0, keyBlock = 0] = [blocks[q], blocks[k]]
      const isSameImage = queryBlock > TEXT_BLOCK && queryBlock === keyBlock
      if (keyBlock === HIDDEN_BLOCK || queryBlock === HIDDEN_BLOCK || !(k <= q || isSameImage)) continue
      global[q * tokens + k] = 1
      local[q * tokens + k] = k > q - window ? 1 : 0
    }
  }
  return { tokens, local, global }
}

/**
 * Whether the mask of a step says anything but causality and the window: it does when some slot is padding, or when
 * tokens of a picture are among the queries. What pictures are cached makes no difference to the text behind them.
 *
 * @param slots - `[b·t]`
 * @param blocks - `[b·s]`
 * @param rows - b
 */
export function isMasked(slots: Int32Array, blocks: Int32Array, rows: number): boolean {
  if (blocks.includes(HIDDEN_BLOCK)) return true
  const [tokens, filled] = [slots.length / rows, blocks.length / rows]
  return slots.some((slot, index) => (blocks[Math.floor(index / tokens) * filled + slot] ?? 0) > TEXT_BLOCK)
}

/**
 * Computes the mask of one kind of layer, to be added to the scores, from where the queries stand and what every slot holds:
 *
 *     global   (k ≤ q or both in one image) and k is not padding
 *     local    global and k > q - W
 *
 * On the future side the window does not limit an image. References differ there only for images longer than W, which
 * no released model has.
 *
 * @param slots - `[b, t]` int32: place of each query in its row's cache
 * @param blocks - `[b, s]` int32: block id of every filled slot
 * @param window - W of layers that have one
 * @returns `[b, 1, t, s]` float32: 0 where the query sees the key
 * @see gemma3 in Transformers 5.18, `create_masks_for_generate`
 */
export function attentionBias(
  g: Graph,
  slots: Value<'b t'>,
  blocks: Value<'b s'>,
  window: number | undefined,
): Value<'b 1 t s'> {
  const [batch = 0, tokens = 0] = slots.shape
  const [, cached = 0] = blocks.shape
  return g.at('attention_mask', () => {
    const q = reshape(g, slots, 'b t s', [batch, tokens, 1])
    const k = reshape(g, cast(g, countUp(g, cached), 'int32'), 'b t s', [1, 1, cached])
    const queryBlock = reshape(g, pickInRows<'b', 's', 't'>(g, blocks, slots), 'b t s', [batch, tokens, 1])
    const keyBlock = reshape(g, blocks, 'b t s', [batch, 1, cached])

    const isSameImage = both(g, equal(g, queryBlock, keyBlock), isAbove(g, keyBlock, TEXT_BLOCK))
    const isInReach = either(g, lessOrEqual(g, k, q), isSameImage)
    const isVisible = both(g, isInReach, isAbove(g, keyBlock, HIDDEN_BLOCK))
    const isSeen = window === undefined ? isVisible : both(g, isVisible, greater(g, k, addNumber(g, q, -window)))
    return reshape(g, choose(g, isSeen, 0, HIDDEN_SCORE), 'b 1 t s', [batch, 1, tokens, cached])
  })
}
