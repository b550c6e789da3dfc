import type { Gemma3Config } from '../gemma3/config.ts'
import type { Batch } from './batch.ts'
import type { Step } from './language-model.ts'
import type { GivenStates } from './prompt-tokens.ts'
import { partEnds } from './prompt-tokens.ts'

/** One run of a forward pass: tokens `from` to `end` of the b·t, which are all rows or a part of one. */
export interface ForwardPart {
  readonly rows: number
  readonly from: number
  readonly end: number
}

/**
 * Cuts a batch into runs of at most `mostTokens`, or of one picture.
 *
 * @returns for each cache, its runs in order
 */
export function cutIntoParts(batch: Batch, { imageTokenId }: Gemma3Config, mostTokens: number): ForwardPart[][] {
  const { rows, tokens, tokenIds } = batch
  if (rows * tokens <= mostTokens) return [[{ rows, from: 0, end: rows * tokens }]]
  // On top of a cache, the attention operator takes one row only.
  return Array.from({ length: rows }, (_, row) => {
    const start = row * tokens
    const ends = partEnds(tokenIds.subarray(start, start + tokens), imageTokenId, mostTokens)
    return ends.map((end, index) => ({ rows: 1, from: start + (ends[index - 1] ?? 0), end: start + end }))
  })
}

/** What the language model reads in one run, without the tokens that get logits. */
export function stepOf(
  batch: Batch,
  { rows, from, end }: ForwardPart,
  states: GivenStates | Float32Array,
  { text: { hiddenSize } }: Gemma3Config,
): Omit<Step, 'logitRows'> {
  const { tokens } = batch
  const row = Math.floor(from / tokens)
  const places = {
    slots: Int32Array.from({ length: end - from }, (_, index) => (from + index) % tokens),
    // Also of what the cache holds already.
    blocks: batch.blocks.subarray(row * tokens, end),
  }
  const shared = {
    rows,
    tokenIds: batch.tokenIds.subarray(from, end),
    positions: batch.positions.subarray(from, end),
    places: { local: places, global: places },
  }
  if (states instanceof Float32Array) {
    const hiddenIn = states.subarray(from * hiddenSize, end * hiddenSize)
    return { ...shared, given: { rows: [], states: new Float32Array() }, hiddenIn }
  }
  const [first, last] = [from, end].map((token) => firstAtLeast(states.rows, token))
  return {
    ...shared,
    given: {
      rows: states.rows.slice(first, last).map((token) => token - from),
      states: states.states.subarray(Number(first) * hiddenSize, Number(last) * hiddenSize),
    },
  }
}

/** @returns the index of the first element of at least `value`, or the length */
function firstAtLeast(rising: readonly number[], value: number): number {
  const index = rising.findIndex((element) => element >= value)
  return index < 0 ? rising.length : index
}
