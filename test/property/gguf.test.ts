import { GGUF_TYPES, type GgufDType, openGguf, openGgufModel, readGgufTensor } from '@loupe/model'
import { AppError } from '@loupe/shared/errors'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeGguf, GgufBytes, type WritableTensor, type WritableValue } from '../support/gguf-writer.ts'
import { memoryFiles } from '../support/memory-files.ts'

/**
 * Opens a file and reads all of its tensors. Anything but a clean answer or an AppError fails the test, and so does
 * reading outside of the file or more than 1 MiB at once.
 */
async function readOrRefuse(bytes: Uint8Array): Promise<string> {
  const files = memoryFiles({ x: bytes })
  try {
    const { tensors } = await openGguf(files, 'x')
    for (const tensor of tensors.values()) {
      let elements = 0
      for await (const piece of readGgufTensor(files, tensor)) elements += piece.length
      expect(elements).toBe(tensor.shape.reduce((product, size) => product * size, 1))
    }
    return 'read'
  } catch (thrown) {
    if (!AppError.isInstance(thrown)) throw thrown
    expect(thrown.code).toBe('weights.invalid')
    return thrown.detail
  }
}

const DTYPES = Object.keys(GGUF_TYPES) as GgufDType[]

const tensor: fc.Arbitrary<WritableTensor> = fc
  .record({ dtype: fc.constantFrom(...DTYPES), rows: fc.array(fc.nat(3), { maxLength: 3 }), blocks: fc.nat(2) })
  .map(({ dtype, rows, blocks }) => {
    const { blockSize, blockBytes } = GGUF_TYPES[dtype]
    const bytes = rows.reduce((product, size) => product * size, blocks * blockBytes)
    return { dtype, shape: [...rows, blocks * blockSize], data: new Uint8Array(bytes).map((_, at) => 7 * at) }
  })

const scalar: fc.Arbitrary<WritableValue> = fc.oneof(
  fc.tuple(fc.constant('uint8'), fc.nat(255)),
  fc.tuple(fc.constant('int8'), fc.integer({ min: -128, max: 127 })),
  fc.tuple(fc.constant('uint16'), fc.nat(65_535)),
  fc.tuple(fc.constant('int16'), fc.integer({ min: -32_768, max: 32_767 })),
  fc.tuple(fc.constant('uint32'), fc.nat()),
  fc.tuple(fc.constant('int32'), fc.integer()),
  fc.tuple(fc.constant('float32'), fc.float()),
  fc.tuple(fc.constant('float64'), fc.double()),
  fc.tuple(fc.constant('bool'), fc.boolean()),
  fc.tuple(fc.constant('string'), fc.string({ unit: 'binary', maxLength: 20 })),
  fc.tuple(fc.constant('uint64'), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })),
  fc.tuple(fc.constant('int64'), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
)

const content = fc.record({
  metadata: fc.dictionary(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 9 }), scalar, { maxKeys: 8 }),
  tensors: fc.dictionary(fc.string({ minLength: 1, maxLength: 20 }), tensor, { maxKeys: 6 }),
  version: fc.constantFrom(2, 3),
})

/** A 64-bit integer is a number where that is exact. */
function asRead(value: WritableValue[1]): unknown {
  return typeof value === 'bigint' && Number.isSafeInteger(Number(value)) ? Number(value) : value
}

describe('GGUF', () => {
  it('reads back what was written', async () => {
    await fc.assert(
      fc.asyncProperty(content, async (written) => {
        const bytes = encodeGguf(written)
        const { metadata, tensors } = await openGguf(memoryFiles({ x: bytes }), 'x')
        expect([...metadata.keys()]).toEqual(Object.keys(written.metadata))
        for (const [key, [, value]] of Object.entries(written.metadata))
          expect(metadata.get(key)).toEqual(asRead(value))
        expect([...tensors.keys()].sort()).toEqual(Object.keys(written.tensors).sort())
        for (const [name, { dtype, shape, data }] of Object.entries(written.tensors)) {
          const found = tensors.get(name)
          expect(found).toMatchObject({ dtype, shape, bytes: data.byteLength })
          const offset = found?.offset ?? 0
          expect(bytes.subarray(offset, offset + data.byteLength)).toEqual(data)
        }
        expect(await readOrRefuse(bytes)).toBe('read')
      }),
    )
  })

  it('reads lists of every type, and lists of lists', async () => {
    const bytes = encodeGguf({
      metadata: {
        tokens: ['array', 'string', ['<pad>', '', '\uFEFF', '▁a']],
        scores: ['array', 'float32', [0, -1.5]],
        types: ['array', 'int32', [1, -2]],
        flags: ['array', 'bool', [true, false]],
        longs: ['array', 'int64', [-1n]],
        nested: [
          'array',
          'array',
          [
            ['uint8', [1, 2]],
            ['string', ['x']],
          ],
        ],
        none: ['array', 'float64', []],
      },
    })
    const { metadata } = await openGguf(memoryFiles({ x: bytes }), 'x')
    expect(Object.fromEntries(metadata)).toEqual({
      tokens: ['<pad>', '', '\uFEFF', '▁a'],
      scores: Float32Array.of(0, -1.5),
      types: Int32Array.of(1, -2),
      flags: Uint8Array.of(1, 0),
      longs: BigInt64Array.of(-1n),
      nested: [Uint8Array.of(1, 2), ['x']],
      none: new Float64Array(),
    })
  })

  it('reads a vocabulary of 262,144 pieces', async () => {
    const tokens = Array.from({ length: 262_144 }, (_, id) => `piece ${id}`)
    const metadata = { a: ['array', 'string', tokens], b: ['array', 'float32', tokens.map((_, id) => -id)] } as const
    const opened = await openGguf(memoryFiles({ x: encodeGguf({ metadata }) }), 'x')
    // Compared as one text: the test runner takes seconds for as many items.
    expect(String(opened.metadata.get('a')) === String(tokens)).toBe(true)
    expect(opened.metadata.get('b')).toHaveLength(tokens.length)
  })

  it('reads a string wherever it lies across the edge of what is fetched at once', async () => {
    const fetched = 256 * 1024
    for (let length = fetched - 80; length < fetched; length++) {
      const tokens = ['x'.repeat(length), 'abc', '']
      const bytes = encodeGguf({ metadata: { a: ['array', 'string', tokens] } })
      expect((await openGguf(memoryFiles({ x: bytes }), 'x')).metadata.get('a')).toEqual(tokens)
    }
  })

  it('refuses every file that is cut off', async () => {
    await fc.assert(
      fc.asyncProperty(
        content,
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        async (written, where) => {
          const bytes = encodeGguf({ ...written, tensors: { ...written.tensors, last: LAST } })
          // Anywhere before the padding after the last tensor.
          expect(await readOrRefuse(bytes.subarray(0, where * (bytes.byteLength - 31)))).not.toBe('read')
        },
      ),
    )
  })

  it('never fails in another way on random bytes', async () => {
    const bytes = fc.uint8Array({ minLength: 0, maxLength: 200, size: 'max' })
    await fc.assert(
      fc.asyncProperty(bytes, fc.boolean(), async (tail, isPlain) => {
        const head = isPlain ? [] : [...new TextEncoder().encode('GGUF'), 3, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]
        await readOrRefuse(Uint8Array.of(...head, ...tail))
      }),
      { numRuns: 300 },
    )
  })

  it('never fails in another way when bytes of a good file are changed', async () => {
    const change = fc.tuple(fc.nat(), fc.nat(255))
    await fc.assert(
      fc.asyncProperty(content, fc.array(change, { minLength: 1, maxLength: 4 }), async (written, changes) => {
        const bytes = encodeGguf(written)
        for (const [at, value] of changes) bytes[at % bytes.byteLength] = value
        await readOrRefuse(bytes)
      }),
      { numRuns: 500 },
    )
  })

  it('never believes a size, a count or an offset, however large', async () => {
    const large = fc.oneof(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.constantFrom(...LARGE))
    await fc.assert(
      fc.asyncProperty(fc.array(large, { minLength: 1, maxLength: 6 }), fc.nat(), async (values, seed) => {
        const bytes = encodeGguf(ORDINARY)
        const view = new DataView(bytes.buffer)
        for (const [index, value] of values.entries()) {
          view.setBigUint64((seed * (index + 1)) % (bytes.byteLength - 8), value, true)
        }
        await readOrRefuse(bytes)
      }),
      { numRuns: 1000 },
    )
  })

  it('opens as a model only with an AppError, if it is none', async () => {
    const isArchitecture: fc.Arbitrary<WritableValue> = fc.constantFrom(['string', 'gemma3'], ['string', 'clip'])
    const list: fc.Arbitrary<WritableValue> = scalar.map(([type, value]) => ['array', 'array', [[type, [value]]]])
    const value = fc.oneof(
      isArchitecture,
      scalar,
      list,
      fc.nat(8).map((size): WritableValue => ['uint32', size]),
    )
    const metadata = fc.dictionary(fc.constantFrom(...MODEL_KEYS), value)
    await fc.assert(
      fc.asyncProperty(metadata, metadata, content, async (one, other, { tensors }) => {
        const a = encodeGguf({ metadata: { ...one, 'general.architecture': ['string', 'gemma3'] }, tensors })
        const files = memoryFiles({ a, b: encodeGguf({ metadata: other, tensors }) })
        const opened = openGgufModel({ files, file: 'a' }, { files, file: 'b' })
        const thrown = await opened.catch((error: unknown) => error)
        expect(AppError.isInstance(thrown) ? thrown.code : thrown).toBe('config.invalid')
      }),
      { numRuns: 300 },
    )
  })
})

const MODEL_KEYS = [
  'general.architecture',
  'split.count',
  'gemma3.block_count',
  'gemma3.embedding_length',
  'gemma3.attention.head_count',
  'gemma3.attention.sliding_window_pattern',
  'gemma3.rope.freq_base',
  'gemma3.rope.scaling.type',
  'tokenizer.ggml.eos_token_id',
  'tokenizer.ggml.tokens',
  'clip.projector_type',
  'clip.vision.image_mean',
  'clip.vision.block_count',
]
const LAST: WritableTensor = { dtype: 'F32', shape: [8], data: new Uint8Array(32) }
const LARGE = [2n ** 60n, 2n ** 53n, 2n ** 53n - 1n, 2n ** 32n, 2n ** 31n, 2n ** 63n, 2n ** 64n - 1n, 65_536n, 0n]
const ORDINARY = {
  metadata: {
    a: ['array', 'string', ['b', 'c']],
    d: ['array', 'uint32', [1, 2, 3]],
    e: ['array', 'array', [['uint8', [1]]]],
    f: ['string', 'g'],
  },
  tensors: { t: LAST, u: { dtype: 'Q4_0', shape: [2, 32], data: new Uint8Array(36) } },
} as const satisfies Parameters<typeof encodeGguf>[0]

/** The start of a header that promises some tensors and keys. */
function header(tensors: bigint | number, keys: bigint | number, version = 3): GgufBytes {
  return new GgufBytes().raw(new TextEncoder().encode('GGUF')).uint32(version).uint64(tensors).uint64(keys)
}

interface TensorInfo {
  readonly name?: string
  readonly sizes?: readonly (number | bigint)[]
  readonly type?: number
  readonly offset?: number | bigint
}

function withTensors(...infos: readonly TensorInfo[]): Uint8Array {
  const bytes = header(infos.length, 0)
  for (const { name = 't', sizes = [8], type = 0, offset = 0 } of infos) {
    bytes.string(name).uint32(sizes.length)
    for (const size of sizes) bytes.uint64(size)
    bytes.uint32(type).uint64(offset)
  }
  return bytes.pad(32).raw(new Uint8Array(32)).toUint8Array()
}

function withValue(type: number, write: (bytes: GgufBytes) => GgufBytes): Uint8Array {
  return write(header(0, 1).string('k').uint32(type)).raw(new Uint8Array(64)).toUint8Array()
}

describe('a hostile GGUF', () => {
  const nested = (levels: number) =>
    withValue(9, (bytes) => {
      for (let level = 1; level < levels; level++) bytes.uint32(9).uint64(1)
      return bytes.uint32(0).uint64(0)
    })

  it.each([
    ['an empty file', new Uint8Array(), 'the magic number: expected 4 bytes at 0'],
    ['another format', new TextEncoder().encode('GGML and more, and more, and more'), 'expected "GGUF"'],
    ['version 1', header(0, 0, 1).toUint8Array(), 'the version: expected 2 or 3, found 1'],
    ['the other byte order', header(0, 0, 0x0300_0000).toUint8Array(), 'expected little-endian, found big-endian'],
    ['2^60 keys', header(0, 2n ** 60n).toUint8Array(), 'the number of keys: expected at most 0'],
    ['2^60 tensors', header(2n ** 60n, 0).toUint8Array(), 'the number of tensors: expected at most 0'],
    [
      'a key of 2^60 bytes',
      header(0, 1)
        .uint64(2n ** 60n)
        .raw(new Uint8Array(32))
        .toUint8Array(),
      'length of key 0',
    ],
    ['a value of an unknown type', withValue(13, (bytes) => bytes), 'k: expected a value type from 0 to 12, found 13'],
    ['a bool of 2', withValue(7, (bytes) => bytes.raw([2])), 'k: expected a bool of 0 or 1, found 2'],
    ['a text of 2^63 bytes', withValue(8, (bytes) => bytes.uint64(2n ** 63n)), 'the length of k: expected at most'],
    ['a text that is no UTF-8', withValue(8, (bytes) => bytes.uint64(1).raw([0xff])), 'k: expected UTF-8'],
    ['2^60 strings', withValue(9, (bytes) => bytes.uint32(8).uint64(2n ** 60n)), 'the length of k: expected at most 8'],
    ['2^60 floats', withValue(9, (bytes) => bytes.uint32(6).uint64(2n ** 60n)), 'the length of k: expected at most 16'],
    ['2^60 lists', withValue(9, (bytes) => bytes.uint32(9).uint64(2n ** 60n)), 'the length of k: expected at most 5'],
    ['a bool of 3 in a list', withValue(9, (bytes) => bytes.uint32(7).uint64(1).raw([3])), 'a bool of 0 or 1, found 3'],
    [
      '65,536 lists in one',
      encodeGguf({ metadata: { k: ['array', 'array', Array.from({ length: 65_536 }, () => ['uint8', []])] } }),
      'k: expected at most 65536 lists in a file',
    ],
    ['lists five deep', nested(5), 'k: expected at most 4 levels of lists'],
    [
      'a key twice',
      header(0, 2)
        .string('k')
        .value(['bool', true])
        .string('k')
        .value(['bool', true])
        .raw(new Uint8Array(8))
        .toUint8Array(),
      'each key once',
    ],
    [
      'an alignment of 24',
      encodeGguf({ metadata: { 'general.alignment': ['uint32', 24] } }),
      'expected a power of two',
    ],
    [
      'an alignment of text',
      encodeGguf({ metadata: { 'general.alignment': ['string', '32'] } }),
      'expected a power of two',
    ],
    [
      'a name of 65 bytes',
      withTensors({ name: 'x'.repeat(65) }),
      'the length of the name of tensor 0: expected at most 64',
    ],
    ['no axis', withTensors({ sizes: [] }), 't: the rank: expected 1 to 4, found 0'],
    ['five axes', withTensors({ sizes: [1, 1, 1, 1, 8] }), 't: the rank: expected 1 to 4, found 5'],
    ['a size of 2^60', withTensors({ sizes: [2n ** 60n] }), 't: a size: expected less than 2^53'],
    ['2^60 numbers in all', withTensors({ sizes: [2 ** 30, 2 ** 30] }), 'outside of the file: t (expected to end by'],
    ['an unknown type', withTensors({ type: 10 }), 't: the type: expected F32, F16'],
    ['a part of a block', withTensors({ type: 2, sizes: [16] }), 't: a row: expected whole blocks of 32, found 16'],
    ['an offset of 2^60', withTensors({ offset: 2n ** 60n }), 't: the offset: expected less than 2^53'],
    ['an offset past the end', withTensors({ offset: 64 }), '1 outside of the file: t'],
    ['an offset off the alignment', withTensors({ offset: 4, sizes: [1] }), '1 after a gap or in an overlap: t'],
    ['a gap', withTensors({ sizes: [0] }, { name: 'u', offset: 32, sizes: [0] }), '1 after a gap or in an overlap: u'],
    ['an overlap', withTensors({}, { name: 'u' }), '1 after a gap or in an overlap: u'],
    ['a tensor twice', withTensors({ sizes: [0] }, {}), '1 there twice: t'],
    ['a tensor that is cut off', withTensors({ sizes: [9] }), '1 outside of the file: t'],
    ['32 bytes too many', withTensors({ sizes: [0] }), 'bytes, found'],
  ])('is refused: %s', async (_, bytes, detail) => {
    expect(await readOrRefuse(bytes)).toContain(detail)
  })

  it('is refused when there is no such file', async () => {
    await expect(openGguf(memoryFiles({}), 'x')).rejects.toThrow('Expected x, found no such file.')
  })

  it('is refused with every fault of its tensors at once', async () => {
    const detail = await readOrRefuse(
      withTensors({}, { name: 't', sizes: [1], offset: 8 }, { name: 'u', offset: 2 ** 40 }),
    )
    expect(detail).toMatch(/1 there twice: t; 2 after a gap or in an overlap: t .*, u .*; 1 outside of the file: u/)
  })
})

describe('readGgufTensor', () => {
  it.each([
    [0, 16],
    [-32, 0],
    [32, 0],
    [0, 96],
    [0, 2 ** 60],
    [Number.NaN, 32],
  ])('refuses the numbers from %d to %d', async (start, end) => {
    const files = memoryFiles({ x: encodeGguf(ORDINARY) })
    const tensor = (await openGguf(files, 'x')).tensors.get('u')
    if (tensor === undefined) throw new Error('there is no u')
    await expect(readGgufTensor(files, tensor, { start, end }).next()).rejects.toThrow(
      'u: expected blocks of 32 inside of 64',
    )
  })
})
