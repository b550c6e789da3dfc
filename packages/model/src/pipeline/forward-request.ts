import type { Floats } from '../graph/floats.ts'
import type { Pictures } from './picture-features.ts'
import type { LossTerms } from './token-loss.ts'

/** A batch of whole sequences: b rows of t tokens, with pictures in them row by row, left to right. */
export interface ForwardRequest extends Pictures {
  /** b; 1 by default. */
  readonly rows?: number
  /**
   * `[b·t]` int32. May be left out where `inputsEmbeds` are given: nothing is then known of pictures, no picture can be
   * given, and every token sees only what stands before it.
   */
  readonly inputIds?: Int32Array
  /** `[b·t]`, 0 for padding on either side; all 1 by default. */
  readonly attentionMask?: ArrayLike<number>
  /**
   * `[b·t]` the place of each token for the rotary embedding, 0 to the context length less 1. By default each row counts
   * from 0 and leaves padding out. Who sees whom follows from the order in the row, whatever the positions.
   */
  readonly positionIds?: ArrayLike<number>
  /**
   * `[b·t·d]` what the first layer reads in place of the embeddings of `inputIds`: already times √d. Pictures, if given
   * as well, still replace the places that `inputIds` have for them. Of later stages only its size counts.
   */
  readonly inputsEmbeds?: Floats<'b t d'>
  /** `[b·t]`, shifted by the caller; -100 asks for no loss. Only the last stage reads them. */
  readonly labels?: ArrayLike<number>
  /** `[b·t]` factor of each token's loss; all 1 by default. */
  readonly lossMask?: ArrayLike<number>
  /**
   * Of a head that is split over devices: whether the logits of its shards are put together. They are by default; with
   * `false` they come apart, as `logitShards`. Without shards it says nothing.
   */
  readonly runtimeGatherOutput?: boolean
  /** Whether logits are returned. By default they are, unless labels are given: 4,096 tokens have 4 GB of them. */
  readonly returnLogits?: boolean
  /** Also return the residual stream before every layer, and behind the final norm. */
  readonly hiddenStates?: boolean
  /**
   * Most tokens of one run, 512 by default, 256 where only the loss is wanted. A longer batch is fed row by row and in
   * parts, none of which cuts a picture. More is faster on a device that has the memory for the scores.
   */
  readonly partTokens?: number
}

/** What a forward pass gives. Numbers at padded places are undefined. */
export interface ForwardResult {
  /** `[b·t·v]`, of a shard of the head only its own; empty on a stage without head, and where only the loss was wanted */
  readonly logits: Floats<'b t v'>
  /** `[b·t·w]` each, in the order of the vocabulary: logits that were not to be gathered. Else empty. */
  readonly logitShards: readonly Floats<'b t w'>[]
  /** `[b·t·d]` for the next stage; empty on the last one */
  readonly hidden: Floats<'b t d'>
  /** `[b·t]`; `undefined` when no labels were given, and on a stage that has not the whole head */
  readonly tokenLoss: Floats<'b t'> | undefined
  /** `[b·t]` each: what the loss is made of. `undefined` when no labels were given, and on a stage without head */
  readonly lossTerms: LossTerms | undefined
  /** `[b·t·d]` each: what every layer of the stage reads, and of the last the final norm. Empty unless asked for. */
  readonly hiddenStates: readonly Floats<'b t d'>[]
}
