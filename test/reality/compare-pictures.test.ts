import { AppError } from '@loupe/shared/errors'
import { fromPatches, PATCHES_BYTES } from '@loupe/shared/image'
import { describe, expect, it } from 'vitest'
import { comparePictures } from './compare-pictures.ts'

const FILE = new Uint8Array(100)
const patches = new Uint8Array(PATCHES_BYTES).fill(100)
const ours = { format: 'png', width: 30, height: 20, patches, ms: 10 }
const pillow = { format: 'PNG', width: 30, height: 20, ms: [5], rgb: fromPatches(patches) }
const apart = (levels: number) => ({
  ...pillow,
  rgb: pillow.rgb.map((level, at) => (at === 7 ? level + levels : level)),
})

describe('comparePictures', () => {
  it('takes equal bytes, and tells the times', () => {
    expect(comparePictures(FILE, ours, pillow)).toMatchObject({ outcome: 'equal', pixels: 'equal', ratio: 2 })
  })

  it('takes one level for a difference, except where a bound is stated', () => {
    const outcome = (format: string, levels: number, file = FILE) =>
      comparePictures(file, { ...ours, format }, apart(levels)).outcome
    expect(outcome('png', 1)).toBe('different')
    expect(outcome('jpeg', 1)).toBe('different')
    expect([outcome('avif', 6), outcome('avif', 7)]).toEqual(['within the bound', 'different'])
    const grey16 = Uint8Array.from(FILE)
    grey16[24] = 16
    expect(outcome('png', 100, grey16)).toBe('within the bound')
    const large = { ...ours, format: 'jpeg', width: 8064, height: 6048 }
    const same = { ...apart(16), width: 8064, height: 6048 }
    expect(comparePictures(FILE, large, same).isExpected).toBe(true)
  })

  it('takes another size for a difference', () => {
    const turned = comparePictures(FILE, ours, { ...pillow, width: 20, height: 30 })
    expect(turned).toMatchObject({ outcome: 'different', isExpected: false, size: '30x20, Pillow 20x30' })
  })

  it('expects us to refuse by design, not by mistake', () => {
    const refusal = (code: 'image.too_large' | 'image.malformed') =>
      comparePictures(FILE, new AppError(code, 'No.'), pillow).isExpected
    expect([refusal('image.too_large'), refusal('image.malformed')]).toEqual([true, false])
    const both = comparePictures(FILE, new AppError('image.malformed', 'No.'), { error: 'OSError' })
    expect(both).toMatchObject({ outcome: 'both refuse', isExpected: true })
    expect(comparePictures(FILE, ours, { error: 'OSError' }).outcome).toBe('Pillow refuses')
  })
})
