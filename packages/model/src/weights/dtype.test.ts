import { describe, expect, it } from 'vitest'
import { bfloat16ToNumber, float16ToNumber, roundToDType } from './dtype.ts'

describe('float16ToNumber', () => {
  it.each([
    [0x0000, 0],
    [0x3c00, 1],
    [0xc000, -2],
    [0x7bff, 65504],
    [0x0001, 2 ** -24], // the smallest subnormal
    [0x03ff, 1023 * 2 ** -24],
    [0x0400, 2 ** -14], // the smallest normal
    [0x3555, 0.333251953125],
    [0x7c00, Number.POSITIVE_INFINITY],
    [0xfc00, Number.NEGATIVE_INFINITY],
    [0x7e00, Number.NaN],
  ])('reads %i', (bits, value) => {
    expect(float16ToNumber(bits)).toBe(value)
  })

  it('keeps the sign of zero', () => {
    expect(float16ToNumber(0x8000)).toBe(-0)
  })
})

describe('bfloat16ToNumber', () => {
  it.each([
    [0x3f80, 1],
    [0xc2f7, -123.5],
    [0x0001, 2 ** -133],
    [0x7f80, Number.POSITIVE_INFINITY],
    [0x7fc0, Number.NaN],
  ])('reads %i', (bits, value) => {
    expect(bfloat16ToNumber(bits)).toBe(value)
  })
})

describe('roundToDType', () => {
  // The embedding scales of the five released sizes.
  it.each([
    [640, 25.25, 25.296875],
    [1152, 34, 33.9375],
    [2560, 50.5, 50.59375],
    [3840, 62, 61.96875],
    [5376, 73.5, 73.3125],
  ])('rounds the square root of %i', (hiddenSize, bfloat16, float16) => {
    expect(roundToDType(Math.sqrt(hiddenSize), 'BF16')).toBe(bfloat16)
    expect(roundToDType(Math.sqrt(hiddenSize), 'F16')).toBe(float16)
    expect(roundToDType(Math.sqrt(hiddenSize), 'F32')).toBe(Math.fround(Math.sqrt(hiddenSize)))
  })

  it('takes the even neighbour on a tie', () => {
    expect(roundToDType(1 + 2 ** -11, 'F16')).toBe(1)
    expect(roundToDType(1 + 3 * 2 ** -11, 'F16')).toBe(1 + 2 ** -9)
    expect(roundToDType(-(1 + 2 ** -8), 'BF16')).toBe(-1)
  })

  it('leaves every half-precision value as it is', () => {
    for (let bits = 0; bits < 0x10000; bits++) {
      const value = float16ToNumber(bits)
      expect(Object.is(roundToDType(value, 'F16'), value)).toBe(true)
    }
  })

  it('agrees with the conversion to float32 of the engine', () => {
    for (const value of [1e-45, 1.1754943508222875e-38, 3.4028235677973366e38, 1 / 3, -Math.PI, 2 ** -149, 2 ** -150]) {
      expect(roundToDType(value, 'F32')).toBe(Math.fround(value))
    }
  })

  it('goes to infinity beyond the range', () => {
    expect(roundToDType(65519.99, 'F16')).toBe(65504)
    expect(roundToDType(65520, 'F16')).toBe(Number.POSITIVE_INFINITY)
    expect(roundToDType(-1e39, 'BF16')).toBe(Number.NEGATIVE_INFINITY)
  })
})
