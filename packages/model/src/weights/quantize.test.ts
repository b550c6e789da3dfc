import { describe, expect, it } from 'vitest'
import { allocateBlockRows, type BlockRows } from './block-rows.ts'
import { quantizeRows } from './quantize.ts'

type Bits = 4 | 8

function quantize(bits: Bits, rows: Float32Array, inner: number, blockSize: number) {
  const out = allocateBlockRows({ bits, blockSize, hasOffsets: false }, rows.length / inner, inner)
  const areNumbers = quantizeRows(bits, rows, inner, { blockSize, out })
  return { out, areNumbers }
}

function quant(bits: Bits, { quants }: BlockRows, index: number): number {
  return bits === 8 ? (quants[index] ?? 0) : ((quants[index >> 1] ?? 0) >> (4 * (index & 1))) & 15
}

/** Every weight with what it became and the scale of its block. */
function pairs(bits: Bits, rows: Float32Array, inner: number, blockSize: number) {
  const { out } = quantize(bits, rows, inner, blockSize)
  const blocks = Math.ceil(inner / blockSize)
  return Array.from(rows, (weight, index) => {
    const [row, column] = [Math.floor(index / inner), index % inner]
    const block = row * blocks + Math.floor(column / blockSize)
    const scale = out.scales[block] ?? Number.NaN
    const q = quant(bits, out, block * blockSize + (column % blockSize)) - 2 ** (bits - 1)
    return { weight, scale, q, value: q * scale }
  })
}

/** Repeatable numbers, evenly spread from -1 to 1. */
function spread(length: number, seed: number): Float32Array<ArrayBuffer> {
  let state = seed
  return Float32Array.from({ length }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0
    return state / 2 ** 31
  })
}

const SHAPES = [
  [3, 64, 32],
  [2, 48, 32],
  [4, 7, 16],
  [1, 300, 128],
] as const

describe.each([8, 4] as const)('rows quantised to %d bits', (bits) => {
  it.each(SHAPES)('of [%d, %d] in blocks of %d move by half a scale at most', (rows, inner, blockSize) => {
    for (const magnitude of [1e-30, 1e-3, 1, 1e30]) {
      const weights = spread(rows * inner, rows + inner).map((value) => value * magnitude)
      for (const { weight, value, scale, q } of pairs(bits, weights, inner, blockSize)) {
        const isClipped = bits === 4 && q === 7
        expect(Math.abs(value - weight)).toBeLessThanOrEqual(Math.abs(scale) * (isClipped ? 1 : 0.5) * (1 + 2 ** -20))
      }
    }
  })

  it('keep the largest weight of a block exactly where the scale is exact', () => {
    const weights = Float32Array.of(0.25, -1, 0.5, 0.125, 0.1, 0.2, 1, -0.5)
    const steps = bits === 8 ? 127 : 8
    const found = pairs(
      bits,
      weights.map((value) => value * steps),
      4,
      16,
    ).map(({ value }) => value / steps)
    expect(found[1]).toBe(-1)
    expect(found[6]).toBe(1)
  })

  it('are zeros where the weights are zeros, negative ones and subnormal ones too', () => {
    const { out, areNumbers } = quantize(bits, Float32Array.of(0, -0, 1e-40, -1e-38), 4, 16)
    expect(areNumbers).toBe(true)
    expect(Math.abs(out.scales[0] ?? 1)).toBe(0)
    expect(new Set(out.quants)).toEqual(new Set([bits === 8 ? 128 : 0x88]))
  })

  it('are padded with zeros to whole blocks', () => {
    const { out } = quantize(bits, Float32Array.of(1, 1, 1, -1, -1, -1), 3, 16)
    for (const block of [0, 1]) {
      for (let j = 3; j < 16; j++) expect(quant(bits, out, block * 16 + j)).toBe(2 ** (bits - 1))
    }
  })

  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])('are refused if one is %d', (fault) => {
    for (const at of [0, 17, 63]) {
      const weights = spread(64, at)
      weights[at] = fault
      expect(quantize(bits, weights, 32, 16).areNumbers).toBe(false)
    }
    expect(quantize(bits, spread(64, 1), 32, 16).areNumbers).toBe(true)
  })
})

it('gives the eighth step of four bits to the side of the largest weight', () => {
  const q = (...weights: number[]) => pairs(4, Float32Array.from(weights), weights.length, 16).map((pair) => pair.q)
  expect(q(8, -7.9, 4, -4)).toEqual([-8, 7, -4, 4])
  expect(q(7.9, -8, 4, -4)).toEqual([7, -8, 4, -4])
  expect(q(-8, 7.4, 7.6, 0.4, 0.6)).toEqual([-8, 7, 7, 0, 1])
})
