/** Bounds checked before anything of a size taken from a file is allocated. Gemma's own figures stand behind each. */
export const LIMITS = {
  /** Characters of a tokenizer.json (Gemma: 33 million). */
  jsonCharacters: 1 << 27,
  /** Pieces, control tokens included (Gemma: 262,145). The merge priority keeps 19 bits for an id. */
  pieces: 1 << 19,
  /** UTF-8 bytes of one piece (Gemma: 93). Lengths are stored in one byte. */
  pieceBytes: 255,
  /** Added tokens (Gemma: 6,415). */
  addedTokens: 1 << 15,
  /** Merges (Gemma: 514,906). */
  merges: 1 << 22,
  /** UTF-16 units of one text to encode. The merge queue keeps 25 bits for a position, one a unit. */
  textUnits: 1 << 23,
} as const

/** What stands for a space inside pieces: U+2581, three bytes in UTF-8. @see SentencePiece */
export const SPACE = '\u2581'
