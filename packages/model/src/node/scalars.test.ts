/** The smallest pieces of the model, run by ONNX Runtime, against their formulas in float64. */
import { describe, expect, it } from 'vitest'
import { geluTanh } from '../graph/ops/arithmetic.ts'
import { layerNorm } from '../layers/layer-norm.ts'
import { rmsNorm } from '../layers/rms-norm.ts'
import { rope, rotaryTable } from '../layers/rope.ts'
import { roundToDType } from '../weights/dtype.ts'
import { runGraph } from './testing/run-graph.ts'

/** One step of float32 at 1. */
const STEP = 2 ** -23

const waves = (length: number, scale = 1) => Float32Array.from({ length }, (_, i) => scale * Math.sin(1.7 * i + 0.3))

/** The largest difference, as a share of the expected number where that is above 1. */
function worst(found: Float32Array | undefined, expected: readonly number[]): number {
  expect(found).toHaveLength(expected.length)
  return Math.max(
    ...expected.map((value, i) => Math.abs((found?.[i] ?? Number.NaN) - value) / Math.max(1, Math.abs(value))),
  )
}

describe('the embedding scale', () => {
  it.each([
    [640, 25.29822, 25.25, 25.296875],
    [1152, 33.94113, 34, 33.9375],
    [2560, 50.59644, 50.5, 50.59375],
    [3840, 61.96773, 62, 61.96875],
    [5376, 73.32121, 73.5, 73.3125],
  ])('of a width of %d is %d, %d in bfloat16, %d in float16', (width, exact, bfloat16, float16) => {
    const scale = Math.sqrt(width)
    expect(scale).toBeCloseTo(exact, 5)
    expect(roundToDType(scale, 'BF16')).toBe(bfloat16)
    expect(roundToDType(scale, 'F16')).toBe(float16)
  })
})

describe('GELU', () => {
  it('is x/2 · (1 + tanh(√(2/π) · (x + 0.044715 x³))), and not the form with erf', async () => {
    const x = Float32Array.from({ length: 401 }, (_, i) => (i - 200) / 20)
    const [y] = await runGraph((g) => [geluTanh(g, g.input('x', 'float32', 'd', [401]))], { x: [[401], x] })
    const formula = (v: number) => 0.5 * v * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (v + 0.044715 * v ** 3)))
    expect(worst(y, Array.from(x, formula))).toBeLessThan(1e-6)
    // At 2.3 the two forms are 4.5e-4 apart: 2.3 · Φ(2.3) is 2.275335.
    expect(Math.abs(Number(y?.[246]) - 2.275335)).toBeGreaterThan(3e-4)
  })
})

describe('RMS norm', () => {
  it.each([1e-4, 1, 1e4, 1e15])('of numbers of size %d', async (scale) => {
    const [rows, width, epsilon] = [5, 1152, 1e-6]
    const x = waves(rows * width, scale)
    const weight = waves(width, 0.4)
    const [y] = await runGraph(
      (g) => {
        const w = { path: 'norm', weight: g.input('w', 'float32', 'd', [width]), epsilon }
        return [rmsNorm(g, w, g.input('x', 'float32', 'b t d', ['b', 't', width]))]
      },
      { x: [[1, rows, width], x], w: [[width], weight] },
    )
    const expected = Array.from({ length: rows }, (_, row) => {
      const values = [...x.subarray(row * width, (row + 1) * width)]
      const root = Math.sqrt(values.reduce((sum, v) => sum + v * v, 0) / width + epsilon)
      return values.map((v, i) => (v / root) * (1 + (weight[i] ?? 0)))
    }).flat()
    expect(worst(y, expected)).toBeLessThan(2e-6)
  })
})

describe('layer norm', () => {
  it.each([1e-3, 1, 1e4])('of numbers of size %d, with the biased variance', async (scale) => {
    const [rows, width, epsilon] = [4, 48, 1e-6]
    const x = waves(rows * width, scale).map((value) => value + 3 * scale)
    const [weight, bias] = [waves(width, 0.5).map((value) => 1 + value), waves(width, 0.2)]
    const [y] = await runGraph(
      (g) => {
        const vector = (name: string) => g.input(name, 'float32', 'd', [width])
        const w = { path: 'norm', weight: vector('w'), bias: vector('c'), epsilon }
        return [layerNorm(g, w, g.input('x', 'float32', 'b t d', ['b', 't', width]))]
      },
      { x: [[1, rows, width], x], w: [[width], weight], c: [[width], bias] },
    )
    const expected = Array.from({ length: rows }, (_, row) => {
      const values = [...x.subarray(row * width, (row + 1) * width)]
      const mean = values.reduce((sum, v) => sum + v, 0) / width
      const variance = values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / width
      return values.map((v, i) => ((v - mean) / Math.sqrt(variance + epsilon)) * (weight[i] ?? 0) + (bias[i] ?? 0))
    }).flat()
    expect(worst(y, expected)).toBeLessThan(2e-5)
  })
})

describe('rotary embedding', () => {
  const POSITIONS = [0, 1, 1023, 100_000]

  it.each([
    { theta: 1e4, factor: 1, headSize: 256 },
    { theta: 1e4, factor: 8, headSize: 256 },
    { theta: 1e6, factor: 1, headSize: 256 },
    { theta: 1e6, factor: 8, headSize: 256 },
    { theta: 1e6, factor: 8, headSize: 128 },
  ])('turns by position · θ^(-2j/h) / factor: %j', async (options) => {
    const { theta, factor, headSize } = options
    const half = headSize / 2
    const count = POSITIONS.length
    // A head that points along the first lane of each pair: what comes out is the cosine there, the sine half a head on.
    const x = Float32Array.from({ length: count * headSize }, (_, i) => (i % headSize < half ? 1 : 0))
    const [cosines, sines, y] = await runGraph(
      (g) => {
        const rotary = rotaryTable(g, g.input('positions', 'int32', 'b t', ['b', 't']), options)
        const heads = g.input('x', 'float32', 'b t nh', ['b', 't', headSize])
        return [rotary.cosines, rotary.sines, rope(g, heads, rotary, 1)]
      },
      { positions: [[1, count], Int32Array.from(POSITIONS)], x: [[1, count, headSize], x] },
    )
    for (const [row, position] of POSITIONS.entries()) {
      for (let lane = 0; lane < half; lane++) {
        const angle = (position * theta ** ((-2 * lane) / headSize)) / factor
        // The angle is a float32, after three roundings.
        const limit = 2 * STEP * angle + 2 * STEP
        const at = `position ${position}, lane ${lane}`
        expect(Math.abs(Number(cosines?.[row * half + lane]) - Math.cos(angle)), at).toBeLessThanOrEqual(limit)
        expect(Math.abs(Number(sines?.[row * half + lane]) - Math.sin(angle)), at).toBeLessThanOrEqual(limit)
        expect(Math.abs(Number(y?.[row * headSize + lane]) - Math.cos(angle)), at).toBeLessThanOrEqual(limit)
        expect(Math.abs(Number(y?.[row * headSize + half + lane]) - Math.sin(angle)), at).toBeLessThanOrEqual(limit)
      }
    }
  })
})
