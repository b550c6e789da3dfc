import { AppError } from '../errors/index.ts'
import { invalid } from './invalid.ts'
import { LIMITS, SPACE } from './limits.ts'

/** The parts of a tokenizer.json that matter here, checked. */
export interface TokenizerFile {
  /** Content to id, as the model section lists it. */
  readonly vocab: ReadonlyMap<string, number>
  readonly added: readonly { readonly id: number; readonly content: string; readonly isSpecial: boolean }[]
  /** Left and right halves, best first. */
  readonly merges: readonly (readonly [string, string])[]
}

type Fields = Readonly<Record<string, unknown>>

/**
 * Reads a Hugging Face tokenizer.json of Gemma's kind: byte-pair encoding with byte fallback over whole stretches of
 * text, spaces written as U+2581, added tokens matched exactly. A file that asks for anything else is refused, since
 * its ids would come out wrong.
 *
 * @throws AppError `tokenizer.invalid`
 * @see https://huggingface.co/docs/tokenizers - the components named by `type`
 */
export function parseTokenizerJson(json: string): TokenizerFile {
  if (json.length > LIMITS.jsonCharacters) {
    throw invalid('tokenizer.json', `at most ${LIMITS.jsonCharacters} characters`, json.length)
  }
  const file = fields('tokenizer.json', parseJson(json))
  checkPipeline(file)
  const model = fields('model', file['model'])
  checkModel(model)
  const vocab = readVocab(model['vocab'])
  return { vocab, added: readAdded(file['added_tokens']), merges: readMerges(model['merges']) }
}

function parseJson(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch (cause) {
    throw new AppError('tokenizer.invalid', `tokenizer.json is not JSON: ${String(cause)}.`, { cause })
  }
}

function fields(thing: string, value: unknown): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid(thing, 'an object', value)
  return value as Fields
}

function list(thing: string, value: unknown, most: number): readonly unknown[] {
  if (!Array.isArray(value)) throw invalid(thing, 'a list', value)
  if (value.length > most) throw invalid(thing, `at most ${most} entries`, value.length)
  return value
}

/** Everything round the model must be what the encoder and the decoder do. */
function checkPipeline(file: Fields): void {
  const replace = (from: string, to: string) => ({ type: 'Replace', pattern: { String: from }, content: to })
  expectSame('normalizer', file['normalizer'], [replace(' ', SPACE)])
  // Both come to the same: once spaces are replaced, there is no space left to split at.
  const neverSplits = { type: 'Split', pattern: { String: ' ' }, behavior: 'MergedWithPrevious', invert: false }
  expectSame('pre_tokenizer', file['pre_tokenizer'], [neverSplits, null])
  const decoders = [replace(SPACE, ' '), { type: 'ByteFallback' }, { type: 'Fuse' }]
  expectSame('decoder', file['decoder'], [{ type: 'Sequence', decoders }])
}

function expectSame(thing: string, found: unknown, accepted: readonly unknown[]): void {
  const text = canonical(found ?? null)
  if (!accepted.some((form) => canonical(form) === text)) {
    throw invalid(thing, accepted.map((form) => JSON.stringify(form)).join(' or '), found)
  }
}

/** JSON with sorted keys; `undefined` for what is nested so deeply that it is no form of anything. */
function canonical(value: unknown): string | undefined {
  const sorted = (_: string, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([one], [two]) => (one < two ? -1 : 1)))
      : inner
  try {
    return JSON.stringify(value, sorted)
  } catch {
    return undefined
  }
}

function checkModel(model: Fields): void {
  if (model['type'] !== 'BPE') throw invalid('model.type', '"BPE"', model['type'])
  if (model['byte_fallback'] !== true) throw invalid('model.byte_fallback', 'true', model['byte_fallback'])
  for (const name of ['dropout', 'continuing_subword_prefix', 'end_of_word_suffix', 'ignore_merges']) {
    const value = model[name]
    if (value !== undefined && value !== null && value !== '' && value !== false && value !== 0) {
      throw invalid(`model.${name}`, 'nothing', value)
    }
  }
}

function readVocab(value: unknown): ReadonlyMap<string, number> {
  const entries = Object.entries(fields('model.vocab', value))
  if (entries.length > LIMITS.pieces) throw invalid('model.vocab', `at most ${LIMITS.pieces} entries`, entries.length)
  for (const [content, id] of entries) checkId(content, id)
  return new Map(entries as [string, number][]) // checked just above
}

function checkId(content: string, id: unknown): number {
  if (typeof id === 'number' && Number.isInteger(id) && id >= 0 && id < LIMITS.pieces) return id
  throw invalid(`id of ${JSON.stringify(content)}`, `a whole number below ${LIMITS.pieces}`, id)
}

function readAdded(value: unknown): TokenizerFile['added'] {
  return list('added_tokens', value ?? [], LIMITS.addedTokens).map((entry, at) => {
    const thing = `added_tokens[${at}]`
    const token = fields(thing, entry)
    const content = token['content']
    if (typeof content !== 'string' || content === '') throw invalid(`${thing}.content`, 'a text', content)
    for (const name of ['single_word', 'lstrip', 'rstrip', 'normalized']) {
      if (token[name] !== false) throw invalid(`${thing}.${name}`, 'false', token[name])
    }
    return { id: checkId(content, token['id']), content, isSpecial: token['special'] === true }
  })
}

/** Either `["left", "right"]` or the older `"left right"`. */
function readMerges(value: unknown): TokenizerFile['merges'] {
  return list('model.merges', value, LIMITS.merges).map((entry, at) => {
    const [left, right, more] = typeof entry === 'string' ? entry.split(' ') : Array.isArray(entry) ? entry : []
    if (typeof left !== 'string' || typeof right !== 'string' || more !== undefined) {
      throw invalid(`model.merges[${at}]`, 'two pieces', entry)
    }
    return [left, right] as const
  })
}
