/**
 * Writes the embedded model's tokenizer: Gemma's file format, Gemma's special ids, a vocabulary of its own.
 *
 * Usage: node build-tokenizer.ts OUTPUT_FOLDER
 */

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { bareWords, fragments, spacedWords } from './words.ts'

const vocabularySize = 1408
const firstOrdinaryId = 494
const longestRun = 31
const space = '\u2581'

/** The last three ids, as far from the ordinary pieces as Gemma keeps them. */
const pictureTokens = ['<start_of_image>', '<end_of_image>', '<image_soft_token>']
const specialTokens = new Set([
  '<pad>',
  '<eos>',
  '<bos>',
  '<unk>',
  '<start_of_turn>',
  '<end_of_turn>',
  ...pictureTokens,
])

/** Ids 0 to 493 in Gemma's order: specials, whitespace runs, the place of the HTML tags, bytes. */
function lowPieces(): readonly string[] {
  const unused = (from: number, count: number) => Array.from({ length: count }, (_, step) => `<unused${from + step}>`)
  const bytes = Array.from({ length: 256 }, (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`)
  const newlines = Array.from({ length: longestRun }, (_, run) => '\n'.repeat(run + 1))
  const spaces = Array.from({ length: longestRun - 1 }, (_, run) => space.repeat(run + 2))
  const specials = ['<pad>', '<eos>', '<bos>', '<unk>', '<mask>', '[multimodal]']
  return [
    ...specials,
    ...unused(0, 99),
    '<start_of_turn>',
    '<end_of_turn>',
    ...newlines,
    ...spaces,
    ...unused(99, 70),
    ...bytes,
  ]
}

/** Every beginning of every word is a piece, so each word grows letter by letter; words after a space grow first. */
function ordinaryPieces(): readonly string[] {
  const grown = [...spacedWords.map((word) => space + word), ...bareWords].flatMap((word) =>
    Array.from({ length: word.length - 1 }, (_, step) => word.slice(0, step + 2)),
  )
  const letters = Array.from({ length: 94 }, (_, step) => String.fromCharCode(33 + step))
  return [...new Set([...grown, ...fragments, space, ...letters])]
}

function buildVocabulary(): ReadonlyMap<string, number> {
  const low = lowPieces()
  if (low.length !== firstOrdinaryId) throw new Error(`${low.length} low pieces instead of ${firstOrdinaryId}`)
  const pieces = [...low, ...ordinaryPieces()]
  const room = vocabularySize - pictureTokens.length - pieces.length
  if (room < 0) throw new Error(`the vocabulary is ${-room} pieces too large`)
  const filler = Array.from({ length: room }, (_, step) => `<unused${169 + step}>`)
  return new Map([...pieces, ...filler, ...pictureTokens].map((piece, id) => [piece, id]))
}

function isMergeable(piece: string, id: number): boolean {
  return isRun(piece) || (id >= firstOrdinaryId && !/^<(unused\d+|\w+_of_image|image_soft_token)>$/.test(piece))
}

function isRun(piece: string): boolean {
  return /^(\n+|\u2581+)$/.test(piece)
}

interface Merge {
  readonly left: string
  readonly right: string
  readonly id: number
}

/** Every split of a piece whose halves are pieces too: runs first, then by the id of the whole, longer left half first. */
function buildMerges(vocabulary: ReadonlyMap<string, number>): readonly (readonly [string, string])[] {
  const pieces = new Map([...vocabulary].filter(([piece, id]) => isMergeable(piece, id)))
  const merges: Merge[] = []
  for (const [piece, id] of pieces) {
    for (let cut = 1; cut < piece.length; cut += 1) {
      const [left, right] = [piece.slice(0, cut), piece.slice(cut)]
      if (pieces.has(left) && pieces.has(right)) merges.push({ left, right, id })
    }
  }
  const byLength = (one: Merge, two: Merge) =>
    two.left.length - one.left.length || two.right.length - one.right.length || one.id - two.id
  const byId = (one: Merge, two: Merge) => one.id - two.id || two.left.length - one.left.length
  const runs = merges.filter((merge) => isRun(merge.left + merge.right)).sort(byLength)
  const words = merges.filter((merge) => !isRun(merge.left + merge.right)).sort(byId)
  return [...runs, ...words].map(({ left, right }) => [left, right] as const)
}

/** As in Gemma's file, the whitespace runs are matched in the raw text, ahead of any merge. */
function addedTokens(vocabulary: ReadonlyMap<string, number>): readonly AddedToken[] {
  return [...vocabulary]
    .filter(([piece, id]) => id < firstOrdinaryId - 256 || pictureTokens.includes(piece) || piece.startsWith('<unused'))
    .map(([content, id]) => ({
      id,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: specialTokens.has(content),
    }))
}

interface AddedToken {
  readonly id: number
  readonly content: string
  readonly special: boolean
}

function tokenizerFile(vocabulary: ReadonlyMap<string, number>): unknown {
  const bos = { SpecialToken: { id: '<bos>', type_id: 0 } }
  const text = (id: string, type_id: number) => ({ Sequence: { id, type_id } })
  const secondBos = { SpecialToken: { id: '<bos>', type_id: 1 } }
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: addedTokens(vocabulary),
    normalizer: { type: 'Replace', pattern: { String: ' ' }, content: space },
    pre_tokenizer: { type: 'Split', pattern: { String: ' ' }, behavior: 'MergedWithPrevious', invert: false },
    post_processor: {
      type: 'TemplateProcessing',
      single: [bos, text('A', 0)],
      pair: [bos, text('A', 0), secondBos, text('B', 1)],
      special_tokens: { '<bos>': { id: '<bos>', ids: [2], tokens: ['<bos>'] } },
    },
    decoder: {
      type: 'Sequence',
      decoders: [
        { type: 'Replace', pattern: { String: space }, content: ' ' },
        { type: 'ByteFallback' },
        { type: 'Fuse' },
      ],
    },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: '<unk>',
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: true,
      byte_fallback: true,
      ignore_merges: false,
      vocab: Object.fromEntries(vocabulary),
      merges: buildMerges(vocabulary),
    },
  }
}

function configFile(vocabulary: ReadonlyMap<string, number>): unknown {
  const decoder = addedTokens(vocabulary).map(({ id, ...token }) => [id, token] as const)
  return {
    add_bos_token: true,
    add_eos_token: false,
    added_tokens_decoder: Object.fromEntries(decoder),
    additional_special_tokens: null,
    boi_token: '<start_of_image>',
    bos_token: '<bos>',
    clean_up_tokenization_spaces: false,
    eoi_token: '<end_of_image>',
    eos_token: '<eos>',
    image_token: '<image_soft_token>',
    model_max_length: 8192,
    pad_token: '<pad>',
    processor_class: 'Gemma3Processor',
    sp_model_kwargs: null,
    spaces_between_special_tokens: false,
    tokenizer_class: 'GemmaTokenizer',
    unk_token: '<unk>',
    use_default_system_prompt: false,
  }
}

const [folder = '.'] = process.argv.slice(2)
const vocabulary = buildVocabulary()
writeFileSync(join(folder, 'tokenizer.json'), `${JSON.stringify(tokenizerFile(vocabulary), null, 1)}\n`)
writeFileSync(join(folder, 'tokenizer_config.json'), `${JSON.stringify(configFile(vocabulary), null, 1)}\n`)
