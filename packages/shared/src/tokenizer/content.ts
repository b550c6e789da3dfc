/**
 * A token that is found in the text by its exact characters, ahead of any merge.
 *
 * The file's `special` flag says what decoding may skip. It does not say what is dangerous in a user's text: Gemma's
 * file flags `<end_of_turn>` but not `<unused7>` or `<mask>`, and holds newline runs and HTML tags beside them.
 * `isControl` is that second question; see `isControlToken`.
 */
export interface AddedToken {
  readonly id: number
  readonly content: string
  /** The file's flag: decoding with `skipSpecial` leaves it out. */
  readonly isSpecial: boolean
  /** Never made out of plain text. */
  readonly isControl: boolean
  /** Merges may make it (runs of spaces), since the model's vocabulary has it; else only the exact match does. */
  readonly isPiece: boolean
}

/** All that a tokenizer needs, as the artifact holds it. Ids are dense: 0 to v - 1. */
export interface TokenizerContent {
  /** UTF-8 length of each piece, `[v]`. */
  readonly pieceLengths: Uint8Array
  /** The pieces one after another, UTF-8. */
  readonly pieceBytes: Uint8Array
  /** Id of the token that stands for each byte, `[256]`. */
  readonly byteIds: Int32Array
  readonly added: readonly AddedToken[]
  /**
   * Ids of the pieces in which a space follows something else: all that may reach over the start of a word.
   * `undefined`: so many that text is not cut into words at all.
   */
  readonly bridges: Int32Array | undefined
  /** `[merges, 2]` left and right ids, best first. `undefined`: the merges follow from the pieces (closed form). */
  readonly merges: Int32Array | undefined
}
