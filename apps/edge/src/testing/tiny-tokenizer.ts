import { buildTokenizerArtifact, loadTokenizer, type Tokenizer } from '@loupe/shared/tokenizer'

const CONTROL = [
  '<pad>',
  '<eos>',
  '<bos>',
  '<unk>',
  '<start_of_turn>',
  '<end_of_turn>',
  '<start_of_image>',
  '<end_of_image>',
  '<image_soft_token>',
]
const BYTES = Array.from({ length: 256 }, (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`)
const LETTERS = Array.from({ length: 94 }, (_, offset) => String.fromCharCode(0x21 + offset))
const SPACE = '\u2581'
const PIECES = [...CONTROL, ...BYTES, SPACE, '\n', '\n\n', 'user', 'model', ...LETTERS]

const flags = { single_word: false, lstrip: false, rstrip: false, normalized: false }

/** A tokenizer.json of Gemma's kind with these tokens. */
const tokenizerJson = (pieces: readonly string[]): string =>
  JSON.stringify({
    version: '1.0',
    added_tokens: CONTROL.map((content, id) => ({ id, content, ...flags, special: true })),
    normalizer: { type: 'Replace', pattern: { String: ' ' }, content: SPACE },
    pre_tokenizer: null,
    decoder: {
      type: 'Sequence',
      decoders: [
        { type: 'Replace', pattern: { String: SPACE }, content: ' ' },
        { type: 'ByteFallback' },
        { type: 'Fuse' },
      ],
    },
    model: {
      type: 'BPE',
      byte_fallback: true,
      vocab: Object.fromEntries(pieces.map((piece, id) => [piece, id])),
      merges: [['\n', '\n']],
    },
  })

/** The artifact, as a worker serves it, of one token for each printable character and one for each other byte. */
export const TINY_ARTIFACT: Uint8Array<ArrayBuffer> = new Uint8Array(buildTokenizerArtifact(tokenizerJson(PIECES)))

/** Another one, whose letters stand in the opposite order. */
export const BACKWARD_ARTIFACT: Uint8Array<ArrayBuffer> = new Uint8Array(
  buildTokenizerArtifact(tokenizerJson([...PIECES.slice(0, -LETTERS.length), ...LETTERS.toReversed()])),
)

/** The tokenizer of {@link TINY_ARTIFACT}. */
export const tinyTokenizer: Tokenizer = loadTokenizer(TINY_ARTIFACT)

/** The ids of its control tokens. */
export const TINY_IDS = { eos: 1, bos: 2, turn: 4, endOfTurn: 5, boi: 6, eoi: 7, soft: 8 } as const

/** The id of a control token, a letter or a byte. */
export function tinyId(piece: string): number {
  return PIECES.indexOf(piece)
}
