import { describe, expect, it } from 'vitest'
import { dequantize } from './gguf-dequantize.ts'
import { GGUF_TYPES, type GgufDType } from './gguf-types.ts'

const [ONE, HALF, TWO, QUARTER, MINUS_ONE] = [0x3c00, 0x3800, 0x4000, 0x3400, 0xbc00]

/** One block: zero but for the given bytes; a float16 or a uint32 takes several. */
function block(dtype: GgufDType, bytes: Record<number, number>, float16: Record<number, number>): Uint8Array {
  const view = new DataView(new ArrayBuffer(GGUF_TYPES[dtype].blockBytes))
  for (const [at, bits] of Object.entries(float16)) view.setUint16(Number(at), bits, true)
  for (const [at, byte] of Object.entries(bytes)) view.setUint8(Number(at), byte)
  return new Uint8Array(view.buffer)
}

/** What the numbers are where they are not as listed. */
function numbers(length: number, fill: number, others: Record<number, number>): Float32Array {
  const array = new Float32Array(length).fill(fill)
  for (const [at, value] of Object.entries(others)) array[Number(at)] = value
  return array
}

describe('dequantize', () => {
  it('reads Q8_0: signed bytes times a scale', () => {
    const bytes = block('Q8_0', { 2: 1, 3: 0x80, 33: 127 }, { 0: HALF })
    expect(dequantize('Q8_0', bytes)).toEqual(numbers(32, 0, { 0: 0.5, 1: -64, 31: 63.5 }))
  })

  it('reads Q4_0: low halves first, high halves in the second half of the block', () => {
    const bytes = block('Q4_0', { 2: 0xf0, 17: 0x19 }, { 0: ONE })
    expect(dequantize('Q4_0', bytes)).toEqual(numbers(32, -8, { 16: 7, 15: 1, 31: -7 }))
  })

  it('reads Q4_1: a scale and a minimum', () => {
    const bytes = block('Q4_1', { 4: 0x30, 19: 0x0f }, { 0: TWO, 2: MINUS_ONE })
    expect(dequantize('Q4_1', bytes)).toEqual(numbers(32, -1, { 16: 5, 15: 29 }))
  })

  it('reads Q5_0: the fifth bit of number j is bit j', () => {
    // 0x80020001: bits 0, 17 and 31
    const bytes = block('Q5_0', { 2: 0x01, 4: 0x02, 5: 0x80, 7: 0x50 }, { 0: ONE })
    expect(dequantize('Q5_0', bytes)).toEqual(numbers(32, -16, { 0: 0, 17: 5, 31: 0 }))
  })

  it('reads Q5_1: a scale, a minimum and fifth bits', () => {
    const bytes = block('Q5_1', { 4: 0x01, 6: 0x02, 9: 0x50 }, { 0: ONE, 2: QUARTER })
    expect(dequantize('Q5_1', bytes)).toEqual(numbers(32, 0.25, { 0: 16.25, 17: 21.25 }))
  })

  // Run 0: scale 5, minimum 1. Run 5: scale 3·16 + 2 = 50, minimum 1·16 + 7 = 23. All others: 0.
  const SCALES = { 4: 5, 5: 3 << 6, 8: 1, 9: 1 << 6, 13: 0x72 }
  const minima = (others: Record<number, number>) => {
    const array = numbers(256, 0, {})
    array.fill(-1, 0, 32)
    array.fill(-23, 160, 192)
    for (const [at, value] of Object.entries(others)) array[Number(at)] = value
    return array
  }

  it('reads Q4_K: six-bit scales in two layouts', () => {
    const bytes = block('Q4_K', { ...SCALES, [16 + 3]: 9, [16 + 64 + 31]: 0xf0 }, { 0: ONE, 2: ONE })
    expect(dequantize('Q4_K', bytes)).toEqual(minima({ 3: 5 * 9 - 1, 191: 50 * 15 - 23 }))
  })

  it('reads Q5_K: bit r of a byte is the fifth bit of run r', () => {
    const fifth = { [16 + 3]: 1, [16 + 31]: 1 << 5 }
    const bytes = block('Q5_K', { ...SCALES, ...fifth, [48 + 3]: 9, [48 + 64 + 31]: 0xf0 }, { 0: ONE, 2: ONE })
    expect(dequantize('Q5_K', bytes)).toEqual(minima({ 3: 5 * 25 - 1, 191: 50 * 31 - 23 }))
  })

  it('reads Q6_K: a signed scale for each 16 numbers', () => {
    const low = { 5: 7, [64 + 18]: 0xf0 }
    const upper = { [128 + 5]: 2, [160 + 18]: 1 << 4 }
    const bytes = block('Q6_K', { ...low, ...upper, 192: 2, [192 + 13]: 0xfd }, { 208: HALF })
    const expected = numbers(256, -0, {})
    expected.fill(-32, 0, 16)
    expected.fill(48, 208, 224)
    expected[5] = 7
    expected[210] = 1.5
    expect(dequantize('Q6_K', bytes)).toEqual(expected)
  })

  it.each([
    ['F32', [0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0], [1, -2]],
    ['F16', [0, 0x3c, 0, 0xc0], [1, -2]],
    ['BF16', [0x80, 0x3f, 0, 0xc0], [1, -2]],
  ] as const)('reads %s', (dtype, bytes, expected) => {
    expect(dequantize(dtype, Uint8Array.from(bytes))).toEqual(Float32Array.from(expected))
  })

  it('reads blocks one after another, at an odd address', () => {
    const one = block('Q8_0', { 2: 1 }, { 0: ONE })
    const two = block('Q8_0', { 2: 2 }, { 0: ONE })
    const bytes = Uint8Array.of(0, ...one, ...two).subarray(1)
    expect(dequantize('Q8_0', bytes)).toEqual(numbers(64, 0, { 0: 1, 32: 2 }))
  })

  it.each(['Q4_K', 'F32'] as const)('refuses a part of a block of %s', (dtype) => {
    expect(() => dequantize(dtype, new Uint8Array(GGUF_TYPES[dtype].blockBytes + 1))).toThrow(
      `expected whole blocks of ${GGUF_TYPES[dtype].blockBytes} bytes`,
    )
  })
})
