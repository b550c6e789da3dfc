import { describe, expect, it } from 'vitest'
import { toFloat32 } from './to-float32.ts'

/** Bytes that start at an odd address. */
function unaligned(...bytes: number[]): Uint8Array {
  return Uint8Array.of(0, ...bytes).subarray(1)
}

describe('toFloat32', () => {
  it.each([
    ['F32', unaligned(0, 0, 0xc0, 0x3f)],
    ['F16', unaligned(0x00, 0x3e)],
    ['BF16', unaligned(0xc0, 0x3f)],
  ] as const)('reads %s', (dtype, data) => {
    expect(toFloat32({ dtype, shape: [1], data })).toEqual(Float32Array.of(1.5))
  })

  it('refuses whole numbers', () => {
    expect(() => toFloat32({ dtype: 'I32', shape: [1], data: unaligned(0, 0, 0, 0) })).toThrow('found I32')
  })
})
