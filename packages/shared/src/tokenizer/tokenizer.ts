import { decodeArtifact } from './artifact.ts'
import type { TokenizerContent } from './content.ts'
import { invalid } from './invalid.ts'
import { closedFormRules, type MergeRules, pieceRoles, rankedRules } from './merge-rules.ts'
import { findJoined, findPiece, indexPieces, type PieceIndex } from './piece-index.ts'
import { bytesOfIds, decodeIds, type StreamDecoder, streamDecoder } from './text-decoder.ts'
import { PieceEncoder } from './text-encoder.ts'

/** Options of {@link Tokenizer.encode}. */
export interface EncodeOptions {
  /**
   * Also match control tokens such as `<end_of_turn>` in the text. Default false: written in a text they are that
   * text and nothing more, and no id of a control token comes out. Never set it for text from outside.
   */
  readonly parseSpecial?: boolean
}

/** Options of {@link Tokenizer.decode} and {@link Tokenizer.streamDecoder}. */
export interface DecodeOptions {
  /** Leave out the tokens that the file flags as special. Default false. */
  readonly skipSpecial?: boolean
}

/** Text to token ids and back. One instance may serve many callers, one call at a time. */
export interface Tokenizer {
  /** Number of ids v, control tokens included: ids are 0 to v - 1. */
  readonly vocabSize: number
  /**
   * Text to ids, `[t]`. Adds nothing at either end. Lone surrogates become U+FFFD.
   *
   * @throws AppError `prompt.too_long` for more than 8 million characters
   */
  encode(text: string, options?: EncodeOptions): Int32Array
  /**
   * Ids to text.
   *
   * @throws AppError `prompt.invalid_token` for an id outside the vocabulary
   */
  decode(ids: Iterable<number>, options?: DecodeOptions): string
  /**
   * The UTF-8 bytes that a token stands for in a text, which need not be whole characters. A control token stands for its
   * name.
   *
   * @throws AppError `prompt.invalid_token` for an id outside the vocabulary
   */
  tokenBytes(id: number): Uint8Array
  /** Whether it is a control token, which no text becomes. */
  isControl(id: number): boolean
  /** The id of a token by its exact content: a control token such as `<bos>`, or any piece. */
  tokenId(content: string): number | undefined
  /** A decoder for one answer, token by token. */
  streamDecoder(options?: DecodeOptions): StreamDecoder
}

/**
 * Makes a tokenizer of an artifact of `buildTokenizerArtifact`. It keeps views of `artifact`: do not change it.
 *
 * @throws AppError `tokenizer.invalid` if the artifact is damaged or of another version
 */
export function loadTokenizer(artifact: Uint8Array): Tokenizer {
  const content = decodeArtifact(artifact)
  const index = indexPieces(content.pieceLengths, content.pieceBytes)
  const roles = pieceRoles(content, index.size)
  const encoder = new PieceEncoder(content, index, roles, mergeRules(content, index, roles))
  const all = bytesOfIds(content, index, false)
  const ordinary = bytesOfIds(content, index, true)
  const bytesOf = (options: DecodeOptions | undefined) => (options?.skipSpecial === true ? ordinary : all)
  const control = new Set(content.added.flatMap(({ id, isControl }) => (isControl ? [id] : [])))
  const utf8 = new TextEncoder()
  return {
    vocabSize: index.size,
    encode: (text, options) => encoder.encode(text, options?.parseSpecial === true),
    decode: (ids, options) => decodeIds(bytesOf(options), ids),
    tokenBytes: all,
    isControl: (id) => control.has(id),
    tokenId(piece) {
      const id = findPiece(index, utf8.encode(piece))
      return id < 0 ? undefined : id
    },
    streamDecoder: (options) => streamDecoder(bytesOf(options)),
  }
}

function mergeRules({ merges }: TokenizerContent, index: PieceIndex, roles: Uint8Array): MergeRules {
  if (merges === undefined) return closedFormRules(index, roles)
  const results = new Int32Array(merges.length / 2)
  for (let rank = 0; rank < results.length; rank += 1) {
    const id = findJoined(index, merges[2 * rank] ?? 0, merges[2 * rank + 1] ?? 0)
    if (id < 0) throw invalid(`merge ${rank}`, 'two halves of a piece', [merges[2 * rank], merges[2 * rank + 1]])
    results[rank] = id
  }
  return rankedRules(merges, results)
}
