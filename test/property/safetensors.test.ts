import {
  decodeSafetensors,
  ELEMENT_BYTES,
  type EncodableTensor,
  encodeSafetensors,
  type StoredDType,
} from '@loupe/model'
import { AppError } from '@loupe/shared/errors'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

const DTYPES = Object.keys(ELEMENT_BYTES) as StoredDType[]

const tensor: fc.Arbitrary<EncodableTensor> = fc
  .record({ dtype: fc.constantFrom(...DTYPES), shape: fc.array(fc.nat(5), { maxLength: 4 }), fill: fc.nat(255) })
  .map(({ dtype, shape, fill }) => {
    const bytes = shape.reduce((product, size) => product * size, ELEMENT_BYTES[dtype])
    return { dtype, shape, data: new Uint8Array(bytes).map((_, at) => fill + at) }
  })

const tensors = fc
  .array(fc.tuple(fc.string({ unit: 'grapheme', maxLength: 20 }), tensor), { maxLength: 12 })
  .map((entries) => new Map(entries.filter(([name]) => name !== '__metadata__')))

/** Reads a file and uses what it returns; anything but a clean answer or an AppError fails the test. */
function readOrRefuse(bytes: Uint8Array): 'read' | 'refused' {
  try {
    for (const { dtype, shape, data } of decodeSafetensors(bytes).values()) {
      expect(data.byteOffset + data.byteLength).toBeLessThanOrEqual(bytes.byteOffset + bytes.byteLength)
      expect(data.byteLength).toBe(shape.reduce((product, size) => product * size, ELEMENT_BYTES[dtype]))
    }
    return 'read'
  } catch (thrown) {
    if (AppError.isInstance(thrown)) {
      expect(thrown.code).toBe('weights.invalid')
      return 'refused'
    }
    throw thrown
  }
}

function withHeader(header: Uint8Array, dataBytes: number): Uint8Array {
  const bytes = new Uint8Array(8 + header.byteLength + dataBytes)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(header.byteLength), true)
  bytes.set(header, 8)
  return bytes
}

describe('safetensors', () => {
  it('reads back what it wrote', () => {
    fc.assert(
      fc.property(tensors, (written) => {
        const read = decodeSafetensors(encodeSafetensors(written))
        expect(read.size).toBe(written.size)
        for (const [name, { dtype, shape, data }] of written) expect(read.get(name)).toEqual({ dtype, shape, data })
      }),
    )
  })

  it('refuses every file that is cut off or goes on too long', () => {
    fc.assert(
      fc.property(tensors, fc.double({ min: 0, max: 1, noNaN: true }), (written, where) => {
        const bytes = encodeSafetensors(written)
        expect(readOrRefuse(bytes.subarray(0, Math.floor(where * (bytes.byteLength - 1))))).toBe('refused')
        expect(readOrRefuse(Uint8Array.of(...bytes, 0))).toBe('refused')
      }),
    )
  })

  it('never fails in another way on random bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 0, maxLength: 200, size: 'max' }), (bytes) => void readOrRefuse(bytes)),
    )
  })

  it('never fails in another way when bytes of a good file are changed', () => {
    const change = fc.tuple(fc.nat(), fc.nat(255))
    fc.assert(
      fc.property(tensors, fc.array(change, { minLength: 1, maxLength: 4 }), (written, changes) => {
        const bytes = encodeSafetensors(written)
        for (const [at, value] of changes) bytes[at % bytes.byteLength] = value
        readOrRefuse(bytes)
      }),
      { numRuns: 500 },
    )
  })

  it('never reads out of bounds, whatever the header claims', () => {
    const anyNumber = fc.oneof(fc.nat(64), fc.integer(), fc.double(), fc.constantFrom(2 ** 53, -0, 1e308))
    const entry = fc.record({
      dtype: fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...DTYPES) }, { weight: 1, arbitrary: fc.string() }),
      shape: fc.array(anyNumber, { maxLength: 3 }),
      data_offsets: fc.oneof(fc.tuple(fc.nat(16), fc.nat(16)), fc.array(anyNumber, { maxLength: 3 })),
    })
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.oneof(entry, fc.jsonValue())), fc.nat(32), (header, dataBytes) => {
        readOrRefuse(withHeader(new TextEncoder().encode(JSON.stringify(header)), dataBytes))
      }),
      { numRuns: 500 },
    )
  })

  it('reads a one-byte tensor only at offsets that lie where the file has that byte', () => {
    fc.assert(
      fc.property(fc.integer({ min: -2, max: 3 }), fc.integer({ min: -2, max: 3 }), (begin, end) => {
        const header = JSON.stringify({ a: { dtype: 'U8', shape: [1], data_offsets: [begin, end] } })
        const expected = begin === 0 && end === 1 ? 'read' : 'refused'
        expect(readOrRefuse(withHeader(new TextEncoder().encode(header), 1))).toBe(expected)
      }),
    )
  })
})
