import { describe, expect, it } from 'vitest'
import { AppError } from '../errors/index.ts'
import { buildGgufTokenizerArtifact } from './build-gguf-artifact.ts'
import { loadTokenizer } from './tokenizer.ts'

const BYTES = Array.from({ length: 256 }, (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`)

interface Row {
  readonly content: string
  readonly score?: number
  readonly type?: number
}

/** A vocabulary: `<bos>`, 256 bytes, then the given tokens from id 257 on. */
function keysOf(rows: readonly Row[], changes: Readonly<Record<string, unknown>> = {}): Map<string, unknown> {
  const all: readonly Row[] = [
    { content: '<bos>', type: 3 },
    ...BYTES.map((content) => ({ content, type: 6 })),
    ...rows,
  ]
  const keys = {
    model: 'llama',
    tokens: all.map(({ content }) => content),
    scores: Float32Array.from(all, ({ score = 0 }) => score),
    token_type: Int32Array.from(all, ({ type = 1 }) => type),
    bos_token_id: 0,
    ...changes,
  }
  return new Map(
    Object.entries(keys).flatMap(([key, value]) => (value === undefined ? [] : [[`tokenizer.ggml.${key}`, value]])),
  )
}

function tokenizerOf(rows: readonly Row[], changes?: Readonly<Record<string, unknown>>) {
  return loadTokenizer(buildGgufTokenizerArtifact(keysOf(rows, changes)))
}

const LETTERS: readonly Row[] = ['a', 'b', 'c', '▁'].map((content) => ({ content, score: -100 }))
const FIRST = 257

describe('a GGUF vocabulary', () => {
  it('merges the piece with the higher score first, whatever its id', () => {
    const pieces = (ab: number, bc: number) => [...LETTERS, { content: 'ab', score: ab }, { content: 'bc', score: bc }]
    expect([...tokenizerOf(pieces(-1, -2)).encode('abc')]).toEqual([FIRST + 4, FIRST + 2])
    expect([...tokenizerOf(pieces(-2, -1)).encode('abc')]).toEqual([FIRST, FIRST + 5])
  })

  it('merges pieces of the same score by their ids', () => {
    const pieces = [...LETTERS, { content: 'bc', score: -1 }, { content: 'ab', score: -1 }]
    expect([...tokenizerOf(pieces).encode('abc')]).toEqual([FIRST, FIRST + 4])
  })

  it('takes user-defined tokens out of the text ahead of any merge, and writes their spaces as pieces do', () => {
    const rows = [...LETTERS, { content: 'ab', score: -1 }, { content: 'bc', type: 4 }, { content: '  ', type: 4 }]
    const tokenizer = tokenizerOf(rows)
    expect([...tokenizer.encode('abc')]).toEqual([FIRST, FIRST + 5])
    expect([...tokenizer.encode('a  b')]).toEqual([FIRST, FIRST + 6, FIRST + 1])
    expect(tokenizer.decode([FIRST, FIRST + 6, FIRST + 1])).toBe('a  b')
  })

  it.each<[string, Row, Record<string, unknown>]>([
    ['of the control type', { content: 'ab', type: 3 }, {}],
    ['of the unknown type', { content: 'ab', type: 2 }, {}],
    ['that the file names as an end', { content: 'ab' }, { eot_token_id: FIRST + 4 }],
    ['that Gemma knows as one', { content: '<end_of_turn>', type: 4 }, {}],
    ['that Gemma keeps in reserve', { content: '<unused7>' }, {}],
    ['that looks like one', { content: '[ab]', type: 4 }, {}],
  ])('makes no control token out of text: one %s', (_, row, changes) => {
    const tokenizer = tokenizerOf([...LETTERS, row], changes)
    expect([...tokenizer.encode(row.content)]).not.toContain(FIRST + 4)
    expect([...tokenizer.encode(row.content, { parseSpecial: true })]).toEqual([FIRST + 4])
  })

  it('leaves out the unused ids at its end, but not those before others', () => {
    const unused = (content: string) => ({ content, type: 5 })
    const tokenizer = tokenizerOf([unused('[PAD0]'), ...LETTERS, unused('[PAD1]'), unused('[PAD2]')])
    expect(tokenizer.vocabSize).toBe(FIRST + 5)
    expect([...tokenizer.encode('[PAD0]')]).not.toContain(FIRST)
  })
})

describe('a broken GGUF vocabulary', () => {
  const long = 'x'.repeat(256)
  it.each<[string, readonly Row[], Record<string, unknown>, string]>([
    ['of another kind', [], { model: 'gpt2' }, 'tokenizer.ggml.model: expected "llama", a SentencePiece vocabulary'],
    ['without a kind', [], { model: undefined }, 'tokenizer.ggml.model: expected "llama"'],
    ['that puts a space first', [], { add_space_prefix: true }, 'add_space_prefix: expected false, found true'],
    ['that drops spaces', [], { remove_extra_whitespaces: true }, 'remove_extra_whitespaces: expected false'],
    ['without tokens', [], { tokens: undefined }, 'tokens: expected a list of texts, found nothing'],
    ['with no token', [], { tokens: [] }, 'tokens: expected a list of texts, found []'],
    ['with numbers for tokens', [], { tokens: new Float32Array(257) }, 'tokens: expected a list of texts'],
    ['with too many tokens', [], { tokens: new Array(600_000).fill('a') }, 'expected at most 524288 entries'],
    ['with fewer scores', [], { scores: new Float32Array(256) }, 'scores: expected 257 entries, one for each token'],
    ['without scores', [], { scores: undefined }, 'scores: expected a list of numbers, found nothing'],
    ['with texts for scores', [], { scores: ['1'] }, 'scores: expected a list of numbers'],
    ['with a score that is none', [{ content: 'a', score: Number.NaN }], {}, 'scores[257]: expected a finite number'],
    ['with more types', [], { token_type: new Int32Array(258) }, 'token_type: expected 257 entries'],
    ['with a type that is none', [{ content: 'a', type: 9 }], {}, 'token_type[257]: expected a type from 1 to 6'],
    ['with an id out of range', [], { eos_token_id: 257 }, 'eos_token_id: expected an id below 257, found 257'],
    ['with a huge id', [], { eos_token_id: 2n ** 60n }, 'eos_token_id: expected an id below 257'],
    ['with an id that is a text', [], { padding_token_id: '0' }, 'padding_token_id: expected an id below 257'],
    ['with a token twice', [{ content: 'a' }, { content: 'a' }], {}, 'tokens[258]: expected another text than that of'],
    ['with a space twice', [{ content: ' ', type: 4 }, { content: '▁' }], {}, 'tokens[258]: expected another text'],
    ['with an empty token', [{ content: '' }], {}, 'piece 257: expected 1 to 255 bytes of well-formed text'],
    ['with half a character', [{ content: '\ud800' }], {}, 'piece 257: expected 1 to 255 bytes'],
    ['with a huge token', [{ content: long }], {}, 'piece 257: expected 1 to 255 bytes'],
    ['without a byte', [], { tokens: ['<bos>', 'x', ...BYTES.slice(1)] }, 'expected a token <0x00> for byte fallback'],
    [
      'with too many control tokens',
      Array.from({ length: 40_000 }, (_, at) => ({ content: `<${at}>`, type: 3 })),
      {},
      'token_type: expected at most 32768 tokens that are no plain text',
    ],
  ])('%s is refused', (_, rows, changes, fault) => {
    try {
      buildGgufTokenizerArtifact(keysOf(rows, changes))
    } catch (error) {
      if (!AppError.isInstance(error)) throw error
      expect([error.code, error.detail]).toEqual(['tokenizer.invalid', expect.stringContaining(fault)])
      return
    }
    throw new Error('nothing was refused')
  })
})
