import { AppError } from '@loupe/shared/errors'
import { describe, expect, it } from 'vitest'
import { decodeSafetensors } from './safetensors.ts'
import { encodeSafetensors } from './safetensors-encode.ts'

/** A file of any header text over any number of data bytes. */
function file(header: string | Uint8Array, dataBytes = 0, length?: bigint): Uint8Array {
  const json = typeof header === 'string' ? new TextEncoder().encode(header) : header
  const bytes = new Uint8Array(8 + json.byteLength + dataBytes)
  new DataView(bytes.buffer).setBigUint64(0, length ?? BigInt(json.byteLength), true)
  bytes.set(json, 8)
  return bytes
}

function tensor(begin: number, end: number, extra: object = {}): object {
  return { dtype: 'U8', shape: [end - begin], data_offsets: [begin, end], ...extra }
}

function fault(bytes: Uint8Array): string {
  try {
    decodeSafetensors(bytes, 'x')
  } catch (thrown) {
    if (AppError.isInstance(thrown) && thrown.code === 'weights.invalid') return thrown.detail
    throw thrown
  }
  throw new Error('expected weights.invalid')
}

describe('decodeSafetensors', () => {
  it('reads a file byte by byte as the format lays it out', () => {
    const header = '{"__metadata__":{"format":"pt"},"b":{"dtype":"I8","shape":[2],"data_offsets":[4,6]},'
    const bytes = file(`${header}"a":{"dtype":"F32","shape":[1,1],"data_offsets":[0,4]}}  `, 6)
    bytes.set([0, 0, 128, 63, 255, 7], bytes.byteLength - 6)
    const tensors = decodeSafetensors(bytes)
    expect([...tensors.keys()]).toEqual(['a', 'b'])
    expect(tensors.get('a')).toEqual({ dtype: 'F32', shape: [1, 1], data: Uint8Array.of(0, 0, 128, 63) })
    expect(tensors.get('b')).toEqual({ dtype: 'I8', shape: [2], data: Uint8Array.of(255, 7) })
  })

  it('reads scalars, empty tensors and a file without tensors', () => {
    const scalar = file('{"s":{"dtype":"U8","shape":[],"data_offsets":[0,1]}}', 1)
    expect(decodeSafetensors(scalar).get('s')?.data.byteLength).toBe(1)
    const empty = file('{"e":{"dtype":"F32","shape":[0,9007199254740991],"data_offsets":[0,0]}}')
    expect(decodeSafetensors(empty).get('e')?.data.byteLength).toBe(0)
    expect(decodeSafetensors(file('{}')).size).toBe(0)
  })

  it('reads names that a plain object would trip over', () => {
    const bytes = file('{"__proto__":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}', 1)
    expect([...decodeSafetensors(bytes).keys()]).toEqual(['__proto__'])
    expect(decodeSafetensors(bytes).get('toString')).toBeUndefined()
  })

  it('does not copy the data', () => {
    const bytes = file(JSON.stringify({ a: tensor(0, 3) }), 3)
    expect(decodeSafetensors(bytes).get('a')?.data.buffer).toBe(bytes.buffer)
  })

  it.each([
    ['a file shorter than its prefix', new Uint8Array(7), 'expected at least 8 bytes, found 7'],
    ['a header length beyond the file', file('{}', 0, 3n), 'expected a header of 2 to 2 bytes, found 3'],
    ['a header length of 2^64 - 1', file('{}', 0, 2n ** 64n - 1n), 'found 18446744073709551615'],
    ['a header length of zero', file('', 4, 0n), 'found 0'],
    ['a header that is not JSON', file('{"a":'), 'expected JSON in UTF-8'],
    [
      'a header that is not UTF-8',
      file(Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d)),
      'expected JSON in UTF-8',
    ],
    ['a header that starts with a blank', file(' {}'), 'expected the header to start with {'],
    ['a header that is a list', file('[1]'), 'expected the header to start with {'],
    ['an endless nesting', file(`{"a":${'['.repeat(100_000)}`), 'expected at most 3 levels of nesting'],
    ['an unterminated string', file('{"a'), 'expected JSON in UTF-8'],
    [
      'a tensor given twice',
      file('{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"a":1}'),
      'expected each key once',
    ],
    ['a tensor given twice in two spellings', file('{"a":1,"\\u0061":1}'), 'expected each key once'],
    [
      'a dtype given twice',
      file('{"a":{"dtype":"U8","dtype":"I8","shape":[0],"data_offsets":[0,0]}}'),
      'each key once',
    ],
    ['metadata that is no text', file('{"__metadata__":{"n":1}}'), 'expected __metadata__ to map strings to strings'],
    ['an entry that is no object', file('{"a":[0]}'), 'a: expected an object of dtype, shape and data_offsets'],
    ['an entry with a further key', file(JSON.stringify({ a: tensor(0, 0, { x: 1 }) })), 'expected an object of dtype'],
    ['an unknown dtype', file(JSON.stringify({ a: tensor(0, 0, { dtype: 'F4' }) })), 'found "F4"'],
    ['a dtype of the prototype', file(JSON.stringify({ a: tensor(0, 0, { dtype: 'toString' }) })), 'found "toString"'],
    ['a negative size', file(JSON.stringify({ a: tensor(0, 0, { shape: [-1] }) })), 'expected a shape'],
    ['a fractional size', file(JSON.stringify({ a: tensor(0, 0, { shape: [0.5] }) })), 'expected a shape'],
    [
      'a size beyond safe integers',
      file('{"a":{"dtype":"U8","shape":[1e300],"data_offsets":[0,0]}}'),
      'expected a shape',
    ],
    ['nine axes', file(JSON.stringify({ a: tensor(0, 1, { shape: Array(9).fill(1) }) }), 1), 'at most 8 sizes'],
    [
      'sizes whose product wraps to the right number',
      file(JSON.stringify({ a: tensor(0, 8, { shape: [2 ** 32, 2 ** 32, 8] }) }), 8),
      'expected Infinity bytes for U8 [4294967296,4294967296,8], found 8',
    ],
    ['offsets out of order', file(JSON.stringify({ a: tensor(0, 0, { data_offsets: [1, 0] }) }), 1), 'two offsets'],
    ['three offsets', file(JSON.stringify({ a: tensor(0, 0, { data_offsets: [0, 0, 0] }) })), 'two offsets'],
    ['negative offsets', file(JSON.stringify({ a: tensor(0, 0, { data_offsets: [-1, -1] }) })), 'two offsets'],
    ['fewer bytes than the shape', file(JSON.stringify({ a: tensor(0, 4, { shape: [5] }) }), 4), 'expected 5 bytes'],
    ['bytes counted as elements', file(JSON.stringify({ a: tensor(0, 4, { dtype: 'F32' }) }), 4), 'expected 16 bytes'],
    ['offsets beyond the file', file(JSON.stringify({ a: tensor(0, 5) }), 4), 'bytes as the header says, found'],
    ['an overlap', file(JSON.stringify({ a: tensor(0, 4), b: tensor(2, 6) }), 6), 'b overlaps the tensor before it'],
    ['two tensors over the same bytes', file(JSON.stringify({ a: tensor(0, 4), b: tensor(0, 4) }), 4), 'overlaps'],
    ['a hole', file(JSON.stringify({ a: tensor(0, 2), b: tensor(3, 4) }), 4), 'b leaves a gap before it'],
    ['a hole at the start', file(JSON.stringify({ a: tensor(1, 4) }), 4), 'a leaves a gap before it'],
    ['bytes after the last tensor', file(JSON.stringify({ a: tensor(0, 3) }), 4), 'bytes as the header says, found'],
  ])('refuses %s', (_, bytes, message) => {
    expect(fault(bytes)).toContain(message)
  })

  it('refuses a header longer than any model needs', () => {
    const bytes = new Uint8Array(17 * 1024 * 1024)
    new DataView(bytes.buffer).setBigUint64(0, 16n * 1024n * 1024n + 1n, true)
    expect(fault(bytes)).toContain('expected a header of 2 to 16777216 bytes, found 16777217')
  })
})

describe('encodeSafetensors', () => {
  it('writes what decodeSafetensors reads', () => {
    const tensors = new Map([
      ['ids', { dtype: 'I32', shape: [2, 1], data: Int32Array.of(7, -7) } as const],
      ['bytes', { dtype: 'U8', shape: [3], data: Uint8Array.of(1, 2, 3) } as const],
      ['wide', { dtype: 'I64', shape: [1], data: BigInt64Array.of(-1n) } as const],
      ['__proto__', { dtype: 'F32', shape: [], data: Float32Array.of(0.5) } as const],
    ])
    const read = decodeSafetensors(encodeSafetensors(tensors))
    expect([...read.keys()]).toEqual(['wide', '__proto__', 'ids', 'bytes'])
    for (const [name, { dtype, shape, data }] of tensors) {
      expect(read.get(name)).toEqual({ dtype, shape, data: new Uint8Array(data.buffer) })
    }
  })

  it('starts each tensor at a multiple of its element size', () => {
    const bytes = encodeSafetensors(
      new Map([
        ['a', { dtype: 'U8', shape: [3], data: new Uint8Array(3) } as const],
        ['b', { dtype: 'F64', shape: [1], data: new Float64Array(1) } as const],
        ['c', { dtype: 'BF16', shape: [1], data: new Uint16Array(1) } as const],
      ]),
    )
    expect([...decodeSafetensors(bytes)].map(([name, { data }]) => [name, data.byteOffset % 8])).toEqual([
      ['b', 0],
      ['c', 0],
      ['a', 2],
    ])
  })

  it('takes a view of part of a buffer', () => {
    const data = new Float32Array([1, 2, 3, 4]).subarray(1, 3)
    const read = decodeSafetensors(encodeSafetensors(new Map([['a', { dtype: 'F32', shape: [2], data } as const]])))
    expect(read.get('a')?.data).toEqual(new Uint8Array(Float32Array.of(2, 3).buffer))
  })

  it('refuses data that is not as long as the shape', () => {
    const tensors = new Map([['a', { dtype: 'F32', shape: [2], data: new Float32Array(3) } as const]])
    expect(() => encodeSafetensors(tensors)).toThrow('a: expected 8 bytes for F32 [2], found 12')
  })
})
