import { classifyAdded } from './added-tokens.ts'
import type { AddedToken } from './content.ts'
import { invalid } from './invalid.ts'
import { LIMITS, SPACE } from './limits.ts'

/** The keys of a GGUF file, as its reader gives them. */
export type GgufKeys = ReadonlyMap<string, unknown>

/** A vocabulary as a GGUF file lists it, checked. */
export interface GgufVocabulary {
  /** Content of each id, `[v]`, spaces as U+2581. */
  readonly pieces: readonly string[]
  /** `[v]` or longer. Of two pieces that merging could make, the one with the higher score is made first. */
  readonly scores: ArrayLike<number>
  readonly added: readonly AddedToken[]
}

/** What `tokenizer.ggml.token_type` says of a token. @see llama.cpp, `enum llama_token_type` */
const TYPE = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 } as const

const PREFIX = 'tokenizer.ggml.'

/** Keys of tokens that have a meaning of their own, whatever their type says. */
const NAMED_IDS = ['bos', 'eos', 'eot', 'eom', 'unknown', 'padding', 'mask', 'seperator'].map(
  (name) => `${PREFIX}${name}_token_id`,
)

/** Control tokens of Gemma. Some published files list them as text, from which they would then come out. */
const GEMMA_SPECIAL = /^<(pad|eos|bos|unk|start_of_turn|end_of_turn|start_of_image|end_of_image|image_soft_token)>$/

/** Gemma's reserved tokens. No text becomes them either, but decoding shows them: its tokenizer.json says so. */
const GEMMA_RESERVED = /^(<mask>|\[multimodal\]|<unused\d+>)$/

/**
 * Reads the vocabulary of a SentencePiece model of Gemma's kind. Unused ids at its end, which fill up the embedding
 * table, are left out: they are no text and no text becomes them.
 *
 * @throws AppError `tokenizer.invalid` naming the key, what was expected there and what was found
 * @see https://github.com/ggml-org/ggml/blob/master/docs/gguf.md - section "Tokenizer"
 */
export function readGgufVocabulary(keys: GgufKeys): GgufVocabulary {
  checkKind(keys)
  const contents = readContents(keys)
  const types = numbers(keys, 'token_type', contents.length)
  const scores = numbers(keys, 'scores', contents.length)
  const size = 1 + contents.findLastIndex((_, id) => types[id] !== TYPE.unused)
  const pieces = contents.slice(0, size).map((content) => content.replaceAll(' ', SPACE))
  return { pieces, scores, added: readAdded(pieces, types, namedIds(keys, size)) }
}

function checkKind(keys: GgufKeys): void {
  const model = keys.get(`${PREFIX}model`)
  if (model !== 'llama') throw invalid(`${PREFIX}model`, '"llama", a SentencePiece vocabulary with scores', model)
  for (const name of ['add_space_prefix', 'remove_extra_whitespaces']) {
    const value = keys.get(`${PREFIX}${name}`) ?? false
    if (value !== false) throw invalid(`${PREFIX}${name}`, 'false', value)
  }
}

function readContents(keys: GgufKeys): readonly string[] {
  const key = `${PREFIX}tokens`
  const tokens: unknown = keys.get(key)
  const isTexts = Array.isArray(tokens) && tokens.every((token): token is string => typeof token === 'string')
  if (!isTexts || tokens.length === 0) throw invalid(key, 'a list of texts', tokens)
  if (tokens.length > LIMITS.pieces) throw invalid(key, `at most ${LIMITS.pieces} entries`, tokens.length)
  return tokens
}

/** A list of one number for each token. */
function numbers(keys: GgufKeys, name: string, length: number): ArrayLike<number> {
  const key = `${PREFIX}${name}`
  const list = keys.get(key)
  if (!(list instanceof Float32Array || list instanceof Int32Array || list instanceof Uint32Array)) {
    throw invalid(key, 'a list of numbers', list)
  }
  if (list.length !== length) throw invalid(key, `${length} entries, one for each token`, list.length)
  const odd = list.findIndex((number) => !Number.isFinite(number))
  if (odd >= 0) throw invalid(`${key}[${odd}]`, 'a finite number', list[odd])
  return list
}

function namedIds(keys: GgufKeys, size: number): ReadonlySet<unknown> {
  const present = NAMED_IDS.filter((key) => keys.has(key))
  for (const key of present) {
    const id = keys.get(key)
    if (typeof id !== 'number' || !Number.isInteger(id) || id < 0 || id >= size) {
      throw invalid(key, `an id below ${size}`, id)
    }
  }
  return new Set(present.map((key) => keys.get(key)))
}

function readAdded(
  pieces: readonly string[],
  types: ArrayLike<number>,
  named: ReadonlySet<unknown>,
): readonly AddedToken[] {
  const added = pieces.flatMap((content, id) => {
    const isOwn = !isText(types[id] ?? TYPE.normal, id) || named.has(id) || GEMMA_SPECIAL.test(content)
    const isReserved = GEMMA_RESERVED.test(content)
    const isAdded = isOwn || isReserved || types[id] === TYPE.userDefined
    return isAdded ? [{ id, content, isSpecial: isOwn && !isReserved }] : []
  })
  if (added.length > LIMITS.addedTokens) {
    throw invalid(`${PREFIX}token_type`, `at most ${LIMITS.addedTokens} tokens that are no plain text`, added.length)
  }
  return classifyAdded(added, () => true)
}

/** Whether text may become a token of this type. */
function isText(type: number, id: number): boolean {
  if (type === TYPE.normal || type === TYPE.userDefined || type === TYPE.byte) return true
  if (type === TYPE.unknown || type === TYPE.control || type === TYPE.unused) return false
  throw invalid(`${PREFIX}token_type[${id}]`, 'a type from 1 to 6', type)
}
