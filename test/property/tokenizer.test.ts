import { buildTokenizerArtifact, loadTokenizer, type Tokenizer } from '@loupe/shared/tokenizer'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { gemmaTokenizerJson, tinyTokenizerJson } from '../support/tokenizer-files.ts'
import { mergeNaively, randomVocabulary, vocabularyJson } from '../support/vocabularies.ts'

const control = ['<bos>', '<eos>', '<start_of_turn>', '<end_of_turn>', '<image_soft_token>', '<unused7>', '<mask>']
const fragments = [
  ...['\n', '\n\n', '\n\n\n\n', '\t', '\t\t', '\r\n', ' ', '  ', '▁', '▁▁', ' '.repeat(40), '\n'.repeat(40), '\ufeff'],
  ...[
    '<b>',
    '</b>',
    '> </',
    '<0x0A>',
    '<start_of_turn',
    '<<',
    'red',
    ' circle',
    'What is',
    '日本語',
    '🙂',
    '👩‍👩‍👧',
    'é',
    '\ue123',
  ],
]
const text = fc
  .array(
    fc.oneof(fc.constantFrom(...fragments), fc.string({ unit: 'binary', maxLength: 4 }), fc.string({ maxLength: 8 })),
    {
      maxLength: 12,
      size: 'max',
    },
  )
  .map((parts) => parts.join(''))
const textWithControl = fc
  .array(fc.oneof(fc.constantFrom(...control), text), { maxLength: 6 })
  .map((parts) => parts.join(''))
const runs = { numRuns: 300 }

describe.each([
  ["Gemma 3's", gemmaTokenizerJson],
  ["the embedded model's", tinyTokenizerJson],
])('%s tokenizer', (_, readJson) => {
  let tokenizer: Tokenizer
  let stored: Tokenizer
  let controlIds: ReadonlySet<number | undefined>

  beforeAll(() => {
    const json = readJson()
    tokenizer = loadTokenizer(buildTokenizerArtifact(json))
    stored = loadTokenizer(buildTokenizerArtifact(json, { storeMerges: true }))
    const added: readonly { id: number; content: string; special: boolean }[] = JSON.parse(json).added_tokens
    const isControl = /^(<(unused\d+|mask)>|\[.*\])$/
    controlIds = new Set(added.flatMap(({ id, content, special }) => (special || isControl.test(content) ? [id] : [])))
  })

  test('gives back each text, its special spaces as plain ones', () => {
    fc.assert(
      fc.property(textWithControl, fc.boolean(), (written, parseSpecial) => {
        expect(tokenizer.decode(tokenizer.encode(written, { parseSpecial }))).toBe(written.replaceAll('▁', ' '))
      }),
      runs,
    )
  })

  test('makes the same ids of implied and of stored merges', () => {
    fc.assert(
      fc.property(textWithControl, fc.boolean(), (written, parseSpecial) => {
        expect(tokenizer.encode(written, { parseSpecial })).toEqual(stored.encode(written, { parseSpecial }))
      }),
      runs,
    )
  })

  test('makes no control token unless asked to, and then all that are written', () => {
    fc.assert(
      fc.property(textWithControl, (written) => {
        expect([...tokenizer.encode(written)].filter((id) => controlIds.has(id))).toEqual([])
        const expected = written.match(/<bos>|<eos>|<start_of_turn>|<end_of_turn>|<image_soft_token>|<unused7>|<mask>/g)
        const found = [...tokenizer.encode(written, { parseSpecial: true })].filter((id) => controlIds.has(id))
        expect(found).toEqual((expected ?? []).map((content) => tokenizer.tokenId(content)))
      }),
      runs,
    )
  })

  test('reads a lone surrogate as U+FFFD', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('\ud83d', '\ude42', 'a', ' ', '🙂')), (parts) => {
        const written = parts.join('')
        expect(tokenizer.encode(written)).toEqual(tokenizer.encode(written.toWellFormed()))
      }),
      runs,
    )
  })

  test('streams what it decodes at once, for any ids', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(500), { size: 'max', maxLength: 40 }), fc.boolean(), (ids, skipSpecial) => {
        const stream = tokenizer.streamDecoder({ skipSpecial })
        const streamed = ids.map((id) => stream.push(id)).join('') + stream.flush()
        expect(streamed).toBe(tokenizer.decode(ids, { skipSpecial }))
      }),
      runs,
    )
  })

  test('never streams a part of a character', () => {
    fc.assert(
      fc.property(text, (written) => {
        fc.pre(!written.includes('\ufffd'))
        const stream = tokenizer.streamDecoder()
        const pushed = Array.from(tokenizer.encode(written), (id) => stream.push(id))
        expect(pushed.every((part) => part.isWellFormed() && !part.includes('\ufffd'))).toBe(true)
        expect(stream.flush()).toBe('')
      }),
      runs,
    )
  })

  test('takes in long runs of one kind whole', () => {
    for (const unit of ['a', ' ', '\n', '\t', '<', '> </', '▁', '\ue123', '<unused', 'ab ', '\ud800']) {
      const written = unit.repeat(100_000 / unit.length)
      const expected = written.toWellFormed().replaceAll('▁', ' ')
      expect(tokenizer.decode(tokenizer.encode(written)) === expected, JSON.stringify(unit)).toBe(true)
    }
  })

  test('leaves special tokens out on request, and only those', () => {
    const ids = tokenizer.encode('<bos>a<end_of_turn>\n<unused7>', { parseSpecial: true })
    expect(tokenizer.decode(ids, { skipSpecial: true })).toBe('a\n<unused7>')
  })

  test('shows a character that was cut off as U+FFFD, when the ids end or go on without it', () => {
    const [first = 0, second = 0] = tokenizer.encode('\ue123')
    const [letter = 0] = tokenizer.encode('a')
    const stream = tokenizer.streamDecoder()
    expect([first, second, letter].map((id) => stream.push(id))).toEqual(['', '', '\ufffda'])
    expect(stream.push(first) + stream.flush()).toBe('\ufffd')
  })

  test('refuses ids outside the vocabulary', () => {
    for (const id of [-1, tokenizer.vocabSize, 1.5, Number.NaN]) {
      expect(() => tokenizer.decode([id])).toThrow(expect.objectContaining({ code: 'prompt.invalid_token' }))
    }
  })

  test('knows tokens by their content', () => {
    expect(tokenizer.tokenId('<bos>')).toBe(2)
    expect(tokenizer.tokenId('\n\n')).toBe(108)
    expect(tokenizer.tokenId('<no such token>')).toBeUndefined()
    expect(tokenizer.tokenId('x'.repeat(300))).toBeUndefined()
  })
})

describe('any vocabulary', () => {
  test('merges as the plain loop over ranked merges does', () => {
    fc.assert(
      fc.property(
        randomVocabulary,
        fc.array(fc.string({ unit: fc.constantFrom('a', 'b', ' ', 'é'), maxLength: 20 })),
        (vocabulary, texts) => {
          const tokenizer = loadTokenizer(buildTokenizerArtifact(vocabularyJson(vocabulary)))
          for (const written of texts) {
            const pieces = mergeNaively(vocabulary, written)
            expect([...tokenizer.encode(written)]).toEqual(pieces.map((piece) => tokenizer.tokenId(piece)))
          }
        },
      ),
      { numRuns: 300 },
    )
  })
})

test('refuses a text beyond the limit', () => {
  const tokenizer = loadTokenizer(buildTokenizerArtifact(tinyTokenizerJson()))
  const tooLong = ' '.repeat(2 ** 23 + 1)
  expect(() => tokenizer.encode(tooLong)).toThrow(expect.objectContaining({ code: 'prompt.too_long' }))
})
