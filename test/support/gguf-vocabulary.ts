import type { WritableValue } from './gguf-writer.ts'

/** The parts of a tokenizer.json that a GGUF takes over. */
interface TokenizerJson {
  readonly model: { readonly vocab: Readonly<Record<string, number>> }
  readonly added_tokens: readonly { readonly id: number; readonly content: string; readonly special: boolean }[]
}

const [NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE] = [1, 2, 3, 4, 5, 6]

/** What llama.cpp's converter gives tokens whose score means nothing. */
const NO_SCORE = -1000

/** How a vocabulary is written. */
interface VocabularyOptions {
  /** Rows of the embedding table: what the tokenizer lacks is filled up with unused tokens, what has no row left out. */
  readonly rows?: number
  /** As in the files whose converter read the SentencePiece model alone: no token of Gemma is a control token. */
  readonly isPlain?: boolean
}

/** The keys of a GGUF file for a tokenizer.json of Gemma's kind, as llama.cpp's converter writes them. */
export function ggufVocabulary(json: string, options: VocabularyOptions = {}): Record<string, WritableValue> {
  const { model, added_tokens: added } = JSON.parse(json) as TokenizerJson
  const contents: string[] = []
  for (const [content, id] of Object.entries(model.vocab)) contents[id] = content
  const types = contents.map((content) => (/^<0x[0-9A-F]{2}>$/.test(content) ? BYTE : NORMAL))
  const first = types.lastIndexOf(BYTE) + 1
  const scores = contents.map((_, id) => (types[id] === BYTE ? 0 : first - id))
  for (const { id, content, special } of added) {
    const looksControl = special || /^<(unused\d+|mask)>$/.test(content)
    contents[id] = looksControl || options.isPlain === true ? content : content.replaceAll('▁', ' ')
    types[id] = looksControl && options.isPlain !== true ? CONTROL : USER_DEFINED
    scores[id] = NO_SCORE
  }
  if (options.isPlain === true) types[contents.indexOf('<unk>')] = UNKNOWN
  for (let id = contents.length; id < (options.rows ?? 0); id++) {
    contents[id] = `[PAD${id}]`
    types[id] = UNUSED
    scores[id] = 10 * NO_SCORE
  }
  if (options.rows !== undefined) for (const list of [contents, types, scores]) list.splice(options.rows)
  const tokenId = (content: string): WritableValue => ['uint32', contents.indexOf(content)]
  return {
    'tokenizer.ggml.model': ['string', 'llama'],
    'tokenizer.ggml.pre': ['string', 'default'],
    'tokenizer.ggml.tokens': ['array', 'string', contents],
    'tokenizer.ggml.scores': ['array', 'float32', scores],
    'tokenizer.ggml.token_type': ['array', 'int32', types],
    'tokenizer.ggml.bos_token_id': tokenId('<bos>'),
    'tokenizer.ggml.eos_token_id': tokenId('<eos>'),
    'tokenizer.ggml.unknown_token_id': tokenId('<unk>'),
    'tokenizer.ggml.padding_token_id': tokenId('<pad>'),
    'tokenizer.ggml.add_bos_token': ['bool', true],
    'tokenizer.ggml.add_eos_token': ['bool', false],
    'tokenizer.ggml.add_space_prefix': ['bool', false],
  }
}
