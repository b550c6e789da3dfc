import { describe, expect, it } from 'vitest'
import { bfloat16ToNumber, float16ToNumber, roundToDType } from './dtype.ts'
import { narrow } from './narrow.ts'
import { widen } from './widen.ts'

const TO_NUMBER = { F16: float16ToNumber, BF16: bfloat16ToNumber }

/** Float32 values of every exponent, and those next to a tie. */
function samples(): Float32Array<ArrayBuffer> {
  const words = new Uint32Array(0x1_0000)
  for (let i = 0; i < words.length; i++)
    words[i] = (Math.imul(i, 0x9e37_79b1) & 0xffff_0000) | (i % 7 === 0 ? 0x8000 : i)
  return new Float32Array(words.buffer)
}

describe.each(['F16', 'BF16'] as const)('narrowing to %s', (dtype) => {
  const limit = dtype === 'F16' ? 65_519 : 3.38e38

  it('gives the nearest value, ties to even, subnormal ones too', () => {
    const weights = samples().filter((value) => Math.abs(value) <= limit)
    const bits = narrow(dtype, weights)
    expect(weights.length).toBeGreaterThan(20_000)
    for (const [i, weight] of weights.entries()) {
      const found = TO_NUMBER[dtype](bits?.[i] ?? 0)
      if (found !== roundToDType(weight, dtype)) expect.fail(`${weight} became ${found}`)
    }
  })

  it('takes what lies midway between two neighbours to the even one', () => {
    const last = dtype === 'F16' ? 0x7bff : 0x7f7f
    const even = Uint16Array.from({ length: last }, (_, bits) => bits + (bits % 2))
    const midway = Float32Array.from(even, (_, bits) => (TO_NUMBER[dtype](bits) + TO_NUMBER[dtype](bits + 1)) / 2)
    expect(narrow(dtype, midway)).toEqual(even)
  })

  it('gives every value of the type back', () => {
    const all = Uint16Array.from({ length: 0x1_0000 }, (_, bits) => bits)
    const wide = widen(dtype, new Uint8Array(all.buffer))
    const finite = all.filter((_, i) => Number.isFinite(wide[i]))
    expect(narrow(dtype, wide.filter(Number.isFinite))).toEqual(finite)
  })

  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])('refuses %d', (fault) => {
    expect(narrow(dtype, Float32Array.of(1, fault, 2))).toBeUndefined()
  })

  it('refuses what would become an infinity, and nothing below', () => {
    const [most, over] = dtype === 'F16' ? [65_519.996, 65_520] : [3.39617e38, 3.3961776e38]
    expect(narrow(dtype, Float32Array.of(-over))).toBeUndefined()
    expect(narrow(dtype, Float32Array.of(most))).toHaveLength(1)
  })
})
