/** Hostile checkpoints in Hugging Face layout, through the reader of files: whole files, shards and their index. */
import { type EncodableTensor, encodeSafetensors, openCheckpoint } from '@loupe/model'
import { AppError } from '@loupe/shared/errors'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type WatchedFile, type WatchedFiles, watchedFiles } from '../support/watched-files.ts'

const SINGLE = 'model.safetensors'
const INDEX = 'model.safetensors.index.json'
const MIB = 1024 * 1024
/** What the reader allows a header and an index to be. */
const MOST_READ = 16 * MIB
/** Sizes that overflow something. */
const LARGE = [2n ** 31n, 2n ** 32n, 2n ** 53n - 1n, 2n ** 53n, 2n ** 60n, 2n ** 63n, 2n ** 64n - 1n]

const utf8 = (text: string) => new TextEncoder().encode(text)

/** Opens a checkpoint. Anything but a checkpoint inside of its files, or `weights.invalid`, fails the test. */
async function openOrRefuse(files: WatchedFiles): Promise<string> {
  try {
    const { tensors } = await openCheckpoint(files)
    for (const { file, offset, bytes } of tensors.values()) {
      const size = (await files.size(file)) ?? -1
      expect(offset >= 0 && bytes >= 0 && offset + bytes <= size).toBe(true)
    }
    return 'opened'
  } catch (thrown) {
    if (!AppError.isInstance(thrown)) throw thrown
    expect(thrown.code).toBe('weights.invalid')
    return thrown.detail
  } finally {
    expect(files.largestRead).toBeLessThanOrEqual(MOST_READ)
  }
}

function withPrefix(headerBytes: bigint, rest: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(8 + rest.byteLength)
  new DataView(bytes.buffer).setBigUint64(0, headerBytes, true)
  bytes.set(rest, 8)
  return bytes
}

function shard(...names: string[]): Uint8Array {
  const one: EncodableTensor = { dtype: 'U8', shape: [1], data: Uint8Array.of(7) }
  return encodeSafetensors(new Map(names.map((name) => [name, one])))
}

/** One byte of a file changed or added, or all that is behind it cut off. */
interface Damage {
  readonly at: number
  readonly byte: number
  readonly kind: 'change' | 'cut' | 'add'
}

function damaged(bytes: Uint8Array, { at, byte, kind }: Damage): Uint8Array {
  const place = bytes.byteLength === 0 ? 0 : at % bytes.byteLength
  const before = bytes.slice(0, place)
  if (kind === 'cut') return before
  return Uint8Array.of(...before, byte, ...bytes.subarray(kind === 'change' ? place + 1 : place))
}

const index = (weightMap: unknown) => utf8(JSON.stringify({ weight_map: weightMap }))
const anySize = fc.oneof(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.constantFrom(...LARGE))

describe('a file', () => {
  it('is never read by the length that its header claims', async () => {
    await fc.assert(
      fc.asyncProperty(anySize, fc.uint8Array({ maxLength: 300, size: 'max' }), async (claimed, rest) => {
        const files = watchedFiles({ [SINGLE]: withPrefix(claimed, rest) })
        await openOrRefuse(files)
        expect(files.largestRead).toBeLessThanOrEqual(8 + rest.byteLength)
      }),
      { numRuns: 500 },
    )
  })

  it('of any size is read up to its header and no further', async () => {
    const sizes = fc.oneof(fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }), fc.constantFrom(2 ** 40, 2 ** 53 - 1))
    await fc.assert(
      fc.asyncProperty(sizes, anySize, fc.boolean(), async (claimedBytes, claimed, isJson) => {
        const head = withPrefix(claimed, isJson ? utf8(`{"a":{"dtype":"U8"`) : new Uint8Array())
        const files = watchedFiles({ [SINGLE]: { head, claimedBytes } })
        expect(await openOrRefuse(files)).not.toBe('opened')
      }),
      { numRuns: 100 },
    )
  })

  it.each<[string, object]>([
    ['2^60 numbers', { dtype: 'U8', shape: [2 ** 30, 2 ** 30], data_offsets: [0, 4] }],
    ['2^53 numbers', { dtype: 'U8', shape: [2 ** 53], data_offsets: [0, 4] }],
    ['2^53 - 1 numbers of 8 bytes', { dtype: 'F64', shape: [2 ** 53 - 1], data_offsets: [0, 4] }],
    ['numbers whose count overflows to 4', { dtype: 'U8', shape: [2 ** 32, 2 ** 32, 4], data_offsets: [0, 4] }],
    ['no numbers, and a size of 2^53 - 1 beside', { dtype: 'U8', shape: [0, 2 ** 53 - 1], data_offsets: [0, 4] }],
    ['an end at 2^53', { dtype: 'U8', shape: [4], data_offsets: [2 ** 53 - 4, 2 ** 53] }],
    ['an end at 2^60', { dtype: 'U8', shape: [4], data_offsets: [2 ** 60, 2 ** 60] }],
  ])('with a tensor of %s is refused', async (_, entry) => {
    const header = utf8(JSON.stringify({ a: entry }))
    const bytes = Uint8Array.of(...withPrefix(BigInt(header.byteLength), header), 0, 0, 0, 0)
    expect(await openOrRefuse(watchedFiles({ [SINGLE]: bytes }))).toMatch(/^model\.safetensors: a: expected/)
  })

  it.each(['1e999', '-1e999', '1e400', '9007199254740993', '-0', '4.0000000001', 'NaN', '"4"', '[4]', 'null', 'true'])(
    'with a size of %s is refused',
    async (size) => {
      const header = utf8(`{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,${size}]}}`)
      const bytes = Uint8Array.of(...withPrefix(BigInt(header.byteLength), header), 0, 0, 0, 0)
      expect(await openOrRefuse(watchedFiles({ [SINGLE]: bytes }))).not.toBe('opened')
    },
  )

  it('with 100,000 tensors, or faults, is read and refused in words of bounded length', async () => {
    const entries = Array.from({ length: 100_000 }, (_, i) => [
      `t${i}`,
      { dtype: 'U8', shape: [0], data_offsets: [0, 0] },
    ])
    const encoded = (value: object) => {
      const header = utf8(JSON.stringify(value))
      return watchedFiles({ [SINGLE]: withPrefix(BigInt(header.byteLength), header) })
    }
    expect(await openOrRefuse(encoded(Object.fromEntries(entries)))).toBe('opened')
    expect(await openOrRefuse(encoded({ a: { dtype: 'x'.repeat(100_000) } }))).toHaveProperty(
      'length',
      expect.any(Number),
    )
  })
})

describe('shards and their index', () => {
  /** A valid checkpoint of two shards. */
  const GOOD = {
    '1.safetensors': shard('a', 'c'),
    '2.safetensors': shard('b'),
    [INDEX]: index({ a: '1.safetensors', b: '2.safetensors', c: '1.safetensors' }),
  }

  it('are refused or opened, whatever the index says', async () => {
    const name = fc.oneof(fc.constantFrom('1.safetensors', '2.safetensors', '3.safetensors', INDEX), fc.string())
    const map = fc.oneof(
      { weight: 5, arbitrary: fc.dictionary(fc.oneof(fc.constantFrom('a', 'b', 'c', '__proto__'), fc.string()), name) },
      { weight: 1, arbitrary: fc.jsonValue() },
    )
    await fc.assert(
      fc.asyncProperty(map, async (weightMap) => {
        await openOrRefuse(watchedFiles({ ...GOOD, [INDEX]: index(weightMap) }))
      }),
      { numRuns: 300 },
    )
  })

  it('are refused or opened when bytes of any file are changed, cut off or added', async () => {
    const names = Object.keys(GOOD) as (keyof typeof GOOD)[]
    const kind = fc.constantFrom<Damage['kind'][]>('change', 'cut', 'add')
    const damage = fc.record({ at: fc.nat(), byte: fc.nat(255), kind })
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...names),
        fc.array(damage, { minLength: 1, maxLength: 4 }),
        async (name, list) => {
          const bytes = list.reduce<Uint8Array>(damaged, GOOD[name])
          await openOrRefuse(watchedFiles({ ...GOOD, [name]: bytes }))
        },
      ),
      { numRuns: 500 },
    )
  })

  it('are 1024 at most, which are open one at a time; of more none is looked at', async () => {
    const many = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, i) => [`t${i}`, `${i}.safetensors`]))
    const files = Object.fromEntries(Object.keys(many(1025)).map((name, i) => [`${i}.safetensors`, shard(name)]))
    const most = watchedFiles({ ...files, [INDEX]: index(many(1024)) })
    expect(await openOrRefuse(most)).toBe('opened')
    expect(most.mostAtOnce).toBe(1)
    const more = watchedFiles({ ...files, [INDEX]: index(many(1025)) })
    expect(await openOrRefuse(more)).toBe(`${INDEX}: expected at most 1024 shards, found 1025.`)
    expect(more.totalRead).toBe(index(many(1025)).byteLength)
  })

  it.each<[string, Record<string, WatchedFile>, string]>([
    [
      'an index of 2^53 - 1 bytes',
      { [INDEX]: { head: utf8('{'), claimedBytes: 2 ** 53 - 1 } },
      'at most 16777216 bytes',
    ],
    ['an index of nothing', { [INDEX]: new Uint8Array() }, 'expected JSON in UTF-8'],
    ['an endless nesting', { [INDEX]: utf8(`{"weight_map":${'['.repeat(1_000_000)}`) }, 'levels of nesting'],
    ['a shard that names itself an index', { [INDEX]: index({ a: INDEX }) }, 'expected a plain .safetensors name'],
    [
      'a shard outside of the folder',
      { [INDEX]: index({ a: '../1.safetensors' }) },
      'expected a plain .safetensors name',
    ],
    ['a shard with a NUL', { [INDEX]: index({ a: '1\0.safetensors' }) }, 'expected a plain .safetensors name'],
    [
      'one tensor in two shards',
      { '2.safetensors': shard('b', 'a') },
      '1 in a shard but not in the index: a in 2.safe',
    ],
    ['no tensor at all', { [INDEX]: index({}) }, 'missing'],
  ])('are refused: %s', async (_, files, detail) => {
    const found = await openOrRefuse(watchedFiles({ ...GOOD, ...files }))
    if (detail === 'missing') expect(found).toBe('opened')
    else expect(found).toContain(detail)
  })
})
