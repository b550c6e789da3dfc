import { AppError } from '@loupe/shared/errors'
import { buildTokenizerArtifact, loadTokenizer } from '@loupe/shared/tokenizer'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { tinyTokenizerJson } from '../support/tokenizer-files.ts'

const tiny = tinyTokenizerJson()

function faultOf(action: () => unknown): string {
  try {
    action()
  } catch (error) {
    if (AppError.isInstance(error) && error.code === 'tokenizer.invalid') return error.detail
    throw error
  }
  throw new Error('nothing was refused')
}

/** Why something is refused; empty when it is not. */
function outcomeOf(action: () => void): string {
  try {
    action()
    return ''
  } catch (error) {
    if (AppError.isInstance(error) && error.code === 'tokenizer.invalid') return error.detail
    throw error
  }
}

describe('a tokenizer.json', () => {
  test.each<[string, (file: object) => void, string]>([
    ['without a model', put(['model'], undefined), 'model: expected an object, found nothing'],
    ['of another kind', put(['model', 'type'], 'WordPiece'), 'model.type: expected "BPE", found "WordPiece"'],
    [
      'without byte fallback',
      put(['model', 'byte_fallback'], false),
      'model.byte_fallback: expected true, found false',
    ],
    ['that ignores merges', put(['model', 'ignore_merges'], true), 'model.ignore_merges: expected nothing, found true'],
    ['with another normalizer', put(['normalizer'], { type: 'NFC' }), 'normalizer: expected {"type":"Replace"'],
    ['that splits words', put(['pre_tokenizer'], { type: 'ByteLevel' }), 'pre_tokenizer: expected'],
    ['with another decoder', put(['decoder'], null), 'decoder: expected {"type":"Sequence"'],
    ['with a vocabulary that is a list', put(['model', 'vocab'], []), 'model.vocab: expected an object, found []'],
    [
      'with an id that is a text',
      put(['model', 'vocab', '<bos>'], '2'),
      'id of "<bos>": expected a whole number below 524288, found "2"',
    ],
    ['with an id out of bounds', put(['model', 'vocab', '<bos>'], 2 ** 31), 'id of "<bos>": expected a whole number'],
    ['with a gap in its ids', put(['model', 'vocab', 'extra'], 5000), 'ids: expected all of 0 to'],
    [
      'with two ids for a token',
      put(['model', 'vocab', '<bos>'], 1),
      'id of the added token "<bos>": expected 1, found 2',
    ],
    ['with two tokens for an id', put(['model', 'vocab', 'r'], 600), 'id 600: expected one token, found ['],
    ['without a byte', rename('<0x41>', 'other'), 'expected a token <0x41> for byte fallback'],
    ['with an empty piece', rename('r', ''), 'expected 1 to 255 bytes of well-formed text, found ""'],
    ['with half a character', rename('r', '\ud800'), 'expected 1 to 255 bytes of well-formed text'],
    ['with a huge piece', rename('r', 'r'.repeat(256)), 'expected 1 to 255 bytes of well-formed text'],
    [
      'with a nameless added token',
      put(['added_tokens', 0, 'content'], ''),
      'added_tokens[0].content: expected a text, found ""',
    ],
    [
      'with a stripping added token',
      put(['added_tokens', 3, 'lstrip'], true),
      'added_tokens[3].lstrip: expected false, found true',
    ],
    [
      'with a normalised added token',
      put(['added_tokens', 3, 'normalized'], true),
      'added_tokens[3].normalized: expected false',
    ],
    [
      'with too many added tokens',
      put(['added_tokens'], new Array(40_000).fill(0)),
      'added_tokens: expected at most 32768 entries, found 40000',
    ],
    [
      'with merges of three',
      put(['model', 'merges', 5], ['a', 'b', 'c']),
      'model.merges[5]: expected two pieces, found ["a","b","c"]',
    ],
    [
      'with merges of unknown pieces',
      put(['model', 'merges', 5], ['r', 'zzz']),
      'model.merges: expected pieces of the vocabulary, found ["r","zzz"]',
    ],
  ])('%s is refused', (_, spoil, fault) => {
    const file = JSON.parse(tiny)
    spoil(file)
    expect(faultOf(() => buildTokenizerArtifact(JSON.stringify(file)))).toContain(fault)
  })

  test('that is not JSON, or not an object, is refused', () => {
    expect(faultOf(() => buildTokenizerArtifact('{'))).toContain('tokenizer.json is not JSON')
    expect(faultOf(() => buildTokenizerArtifact('[]'))).toBe('tokenizer.json: expected an object, found [].')
  })

  test('may list its merges as texts', () => {
    const file = JSON.parse(tiny)
    file.model.merges = file.model.merges.map((pair: readonly string[]) => pair.join(' '))
    expect(buildTokenizerArtifact(JSON.stringify(file))).toEqual(buildTokenizerArtifact(tiny))
  })

  test('whose merges do not follow from its vocabulary keeps them', () => {
    const file = JSON.parse(tiny)
    const implied = buildTokenizerArtifact(tiny)
    const whole = file.model.merges.at(-1).join('')
    file.model.merges = file.model.merges.filter((merge: readonly string[]) => merge.join('') !== whole)
    const artifact = buildTokenizerArtifact(JSON.stringify(file))
    expect(artifact.length).toBeGreaterThan(implied.length + 1000)
    const id = loadTokenizer(artifact).tokenId(whole)
    expect(id).toBeDefined()
    expect([...loadTokenizer(implied).encode(whole)]).toContain(id)
    expect([...loadTokenizer(artifact).encode(whole)]).not.toContain(id)
  })

  test('whose merges come in another order keeps them', () => {
    const file = JSON.parse(tiny)
    file.model.merges.reverse()
    expect(buildTokenizerArtifact(JSON.stringify(file)).length).toBeGreaterThan(buildTokenizerArtifact(tiny).length)
  })

  test('whose merges would make a control token makes none', () => {
    const file = JSON.parse(tiny)
    rename('r', '<b')(file)
    rename('q', 'os>')(file)
    file.model.merges = [
      ['<b', 'os>'],
      ['<', 'b'],
      ['o', 's'],
      ['os', '>'],
    ]
    file.model.vocab['os'] ??= Object.keys(file.model.vocab).length
    const tokenizer = loadTokenizer(buildTokenizerArtifact(JSON.stringify(file)))
    expect([...tokenizer.encode('<bos>')]).toEqual([tokenizer.tokenId('<b'), tokenizer.tokenId('os>')])
    expect([...tokenizer.encode('<bos>', { parseSpecial: true })]).toEqual([2])
  })
})

describe('a tokenizer.json that is good but for one place', () => {
  const good = JSON.parse(tiny)
  const PATHS: readonly (readonly (string | number)[])[] = [
    ['added_tokens'],
    ...['id', 'content', 'special', 'normalized', 'single_word', 'lstrip', 'rstrip'].map((key) => [
      'added_tokens',
      4,
      key,
    ]),
    ['normalizer'],
    ['pre_tokenizer'],
    ['post_processor'],
    ['decoder'],
    ['model'],
    ...['type', 'vocab', 'merges', 'unk_token', 'fuse_unk', 'byte_fallback', 'ignore_merges'].map((key) => [
      'model',
      key,
    ]),
    ['model', 'vocab', '<bos>'],
    ['model', 'vocab', 'r'],
    ['model', 'vocab', 'new'],
    ['model', 'merges', 0],
    ['model', 'merges', 7],
    ['model', 'merges', 7, 1],
    ['new'],
  ]
  const value = fc.oneof(
    fc.constantFrom(undefined, null, 0, -1, 1e308, 2 ** 53, 2 ** 31, '', [], {}, ['r'], ['r', 'r'], [[]]),
    fc.jsonValue(),
    fc.string({ unit: 'binary', maxLength: 300, size: 'max' }),
    fc.array(fc.string(), { maxLength: 300, size: 'max' }),
    fc.dictionary(fc.string(), fc.nat(), { maxKeys: 300, size: 'max' }),
  )

  test('is refused, or makes a tokenizer', () => {
    fc.assert(
      fc.property(fc.constantFrom(...PATHS), value, (path, other) => {
        const file = { ...good, model: { ...good.model, vocab: { ...good.model.vocab } } }
        file.model.merges = [...good.model.merges]
        file.model.merges[7] = [...good.model.merges[7]]
        file.added_tokens = good.added_tokens.map((token: object) => ({ ...token }))
        put(path, other)(file)
        const fault = outcomeOf(() => {
          const tokenizer = loadTokenizer(buildTokenizerArtifact(JSON.stringify(file)))
          expect([...tokenizer.encode('a round <bos> ☃')].every((id) => id < tokenizer.vocabSize)).toBe(true)
        })
        expect(fault.length).toBeLessThan(10_000)
      }),
      { numRuns: 150 },
    )
  })

  test('is refused as random text', () => {
    const text = fc.oneof(fc.string({ maxLength: 300, size: 'max' }), fc.json())
    fc.assert(fc.property(text, (json) => void expect(outcomeOf(() => void buildTokenizerArtifact(json))).not.toBe('')))
  })
})

describe('an artifact', () => {
  test('of random bytes is refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200, size: 'max' }), (bytes) => {
        expect(faultOf(() => loadTokenizer(bytes))).toContain('artifact: expected')
      }),
    )
  })

  test('with a piece of bytes changed, cut out or added is refused', () => {
    const artifact = buildTokenizerArtifact(tiny)
    fc.assert(
      fc.property(fc.nat(artifact.length - 1), fc.integer({ min: 1, max: 255 }), fc.nat(2), (at, change, kind) => {
        const damaged = Array.from(artifact)
        if (kind === 0) damaged[at] = (damaged[at] ?? 0) ^ change
        else damaged.splice(at, kind === 1 ? 1 : 0, ...(kind === 1 ? [] : [change]))
        expect(faultOf(() => loadTokenizer(Uint8Array.from(damaged)))).toContain('expected')
      }),
    )
  })
})

/** Sets one value of a file; `undefined` leaves it out. */
function put(path: readonly (string | number)[], value: unknown): (file: object) => void {
  return (file) => {
    const holder = path.slice(0, -1).reduce<object>((at, key) => Reflect.get(at, key), file)
    Reflect.set(holder, path.at(-1) ?? '', value)
  }
}

/** Gives a piece of the vocabulary another content. */
function rename(from: string, to: string): (file: object) => void {
  return (file) => {
    const vocab: Record<string, number> = Reflect.get(Reflect.get(file, 'model'), 'vocab')
    const id = vocab[from]
    if (id === undefined) throw new Error(`no piece ${from}`)
    delete vocab[from]
    vocab[to] = id
  }
}

test('refuses a file that is nested without end', () => {
  const json = `{"normalizer":${'['.repeat(100_000)}${']'.repeat(100_000)}}`
  const found = expect.objectContaining({
    code: 'tokenizer.invalid',
    detail: expect.stringContaining('nested too deeply'),
  })
  expect(() => buildTokenizerArtifact(json)).toThrow(found)
})
