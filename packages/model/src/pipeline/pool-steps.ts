import type { PerKind } from '../gemma3/layer-kind.ts'
import { perKind } from '../gemma3/layer-kind.ts'
import { imageBlocks } from '../gemma3/mask.ts'
import type { CachePlaces, Step } from './language-model.ts'
import type { PoolSlot } from './pool-slot.ts'
import type { PromptPart } from './prompt-tokens.ts'

/** The first token that layers of each kind have. */
function firstTokens({ base }: PoolSlot): PerKind<number> {
  return { local: base, global: 0 }
}

/**
 * Appends a part of a prompt to one slot. Of what is cached no picture is told apart: only queries of its own would see
 * more of it than text does, and those are all in one part.
 */
export function promptStep(slot: PoolSlot, { ids, given }: PromptPart, imageTokenId: number): Omit<Step, 'logitRows'> {
  const start = slot.length
  const first = firstTokens(slot)
  const blocks = imageBlocks(ids, imageTokenId)
  return {
    rows: 1,
    tokenIds: ids,
    positions: Int32Array.from(ids, (_, index) => start + index),
    places: perKind((kind) => {
      const filled = start - first[kind]
      const all = new Int32Array(filled + ids.length)
      all.set(blocks, filled)
      return { slots: Int32Array.from(ids, (_, index) => filled + index), blocks: all }
    }),
    given,
  }
}

/**
 * Appends one token of text to each of some slots.
 *
 * @param rows - slots whose rows follow one another. One without a token gets some: behind its end, where nothing sees it
 * @param tokens - in the order in which logits are wanted
 * @param noImages - zeros, as many as all rows have slots
 */
export function decodeStep(
  rows: readonly PoolSlot[],
  tokens: ReadonlyMap<PoolSlot, number>,
  noImages: Int32Array,
): Step {
  const places = (slots: Int32Array): CachePlaces => {
    const filled = Math.max(...slots) + 1
    return { slots, blocks: noImages.subarray(0, rows.length * filled) }
  }
  return {
    rows: rows.length,
    tokenIds: Int32Array.from(rows, (slot) => tokens.get(slot) ?? 0),
    positions: Int32Array.from(rows, ({ length }) => length),
    places: perKind((kind) => places(Int32Array.from(rows, (slot) => slot.length - firstTokens(slot)[kind]))),
    given: { rows: [], states: new Float32Array() },
    logitRows: Array.from(tokens.keys(), (slot) => rows.indexOf(slot)),
  }
}
