/** What graphs compute, run by ONNX Runtime against a few lines of arithmetic in float64. */
import { describe, expect, it } from 'vitest'
import { attentionBias, attentionGrids, HIDDEN_BLOCK } from '../gemma3/mask.ts'
import { reshape } from '../graph/ops/layout.ts'
import { named } from '../graph/value.ts'
import { patchEmbed } from '../layers/patch-embed.ts'
import { rmsNorm } from '../layers/rms-norm.ts'
import { rope, rotaryTable } from '../layers/rope.ts'
import { runGraph } from './testing/run-graph.ts'

const waves = (length: number, scale = 1) => Float32Array.from({ length }, (_, i) => scale * Math.sin(1.7 * i + 0.3))

describe('attentionBias', () => {
  const sees = (bias: Float32Array | undefined) => Array.from(bias ?? [], (value) => (value === 0 ? 1 : 0))

  it.each([1, 2, 3, 12])('is the drawn mask for a window of %d, padding and images included', async (window) => {
    const rows = [
      [HIDDEN_BLOCK, HIDDEN_BLOCK, 0, 1, 1, 1, 0, 2, 2, 2, 0],
      [1, 1, 1, 0, 0, 2, 2, 2, 0, HIDDEN_BLOCK, HIDDEN_BLOCK],
    ]
    const tokens = 11
    const [local, global] = await runGraph(
      (g) => {
        const slots = g.input('slots', 'int32', 'b t', ['b', 't'])
        const blocks = g.input('blocks', 'int32', 'b s', ['b', 's'])
        return [attentionBias(g, slots, blocks, window), attentionBias(g, slots, blocks, undefined)]
      },
      {
        slots: [[2, tokens], Int32Array.from({ length: 2 * tokens }, (_, i) => i % tokens)],
        blocks: [[2, tokens], Int32Array.from(rows.flat())],
      },
    )
    for (const [row, blocks] of rows.entries()) {
      const drawn = attentionGrids(blocks, window)
      const own = (bias: Float32Array | undefined) =>
        sees(bias?.subarray(row * tokens * tokens, (row + 1) * tokens * tokens))
          // What a padding query sees is nobody's business.
          .filter((_, index) => blocks[Math.floor(index / tokens)] !== HIDDEN_BLOCK)
      const wanted = (grid: Uint8Array) =>
        [...grid].filter((_, index) => blocks[Math.floor(index / tokens)] !== HIDDEN_BLOCK)
      expect(own(local)).toEqual(wanted(drawn.local))
      expect(own(global)).toEqual(wanted(drawn.global))
    }
  })

  it('of a later step is the last rows of the whole mask', async () => {
    const blocks = [0, 1, 1, 0, 0, 2, 2, 0]
    const [local] = await runGraph(
      (g) => {
        const slots = g.input('slots', 'int32', 'b t', ['b', 't'])
        return [attentionBias(g, slots, g.input('blocks', 'int32', 'b s', ['b', 's']), 3)]
      },
      { slots: [[1, 4], Int32Array.of(4, 5, 6, 7)], blocks: [[1, 8], Int32Array.from(blocks)] },
    )
    expect(sees(local)).toEqual([...attentionGrids(blocks, 3).local.subarray(4 * 8)])
  })
})

describe('rmsNorm', () => {
  it.each([1, 1e-3, 1e4])('is exact for inputs of size %d, and centres its weight at zero', async (scale) => {
    const x = waves(2 * 3 * 8, scale)
    const weight = waves(8, 0.5)
    const [y] = await runGraph(
      (g) => {
        const w = { path: 'norm', weight: g.input('w', 'float32', 'd', [8]), epsilon: 1e-6 }
        return [rmsNorm(g, w, g.input('x', 'float32', 'b t d', ['b', 't', 8]))]
      },
      { x: [[2, 3, 8], x], w: [[8], weight] },
    )
    for (let row = 0; row < 6; row++) {
      const values = x.subarray(row * 8, row * 8 + 8)
      const root = Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / 8 + 1e-6)
      for (const [i, value] of values.entries()) {
        expect(Number(y?.[row * 8 + i])).toBeCloseTo((value / root) * (1 + (weight[i] ?? 0)), 5)
      }
    }
  })
})

describe('rope', () => {
  it.each([
    { theta: 10_000, factor: 1 },
    { theta: 1_000_000, factor: 8 },
  ])('turns lane i with lane i + h/2, theta $theta, factor $factor', async ({ theta, factor }) => {
    const positions = Int32Array.of(0, 1, 1023, 100_000)
    const [heads, h] = [2, 6]
    const x = waves(4 * heads * h)
    const [y] = await runGraph(
      (g) => {
        const rotary = rotaryTable(g, g.input('positions', 'int32', 'b t', ['b', 't']), { theta, factor, headSize: h })
        return [rope(g, g.input('x', 'float32', 'b t nh', ['b', 't', heads * h]), rotary, heads)]
      },
      { positions: [[2, 2], positions], x: [[2, 2, heads * h], x] },
    )
    for (const [t, position] of positions.entries()) {
      for (let lane = 0; lane < heads * h; lane++) {
        const pair = lane % (h / 2)
        const at = (offset: number) => x[t * heads * h + Math.floor(lane / h) * h + pair + offset] ?? 0
        const frequency = Math.fround(Math.fround(1 / Math.fround(theta ** Math.fround((2 * pair) / h))) / factor)
        const angle = Math.fround(position * frequency)
        const [x1, x2, cos, sin] = [at(0), at(h / 2), Math.cos(angle), Math.sin(angle)]
        const expected = lane % h < h / 2 ? x1 * cos - x2 * sin : x2 * cos + x1 * sin
        expect(Number(y?.[t * heads * h + lane]), `position ${position}, lane ${lane}`).toBeCloseTo(expected, 5)
      }
    }
  })
})

describe('patchEmbed', () => {
  it('pairs sample (y·14 + x)·3 + channel with kernel [channel, y, x]', async () => {
    const [side, channels, d] = [2, 3, 2]
    const inner = side * side * channels
    const kernel = waves(d * inner)
    const patches = waves(2 * inner)
    const [y] = await runGraph(
      (g) => {
        const weight = g.input('kernel', 'float32', 'd c y x', [d, channels, side, side])
        const w = { path: 'patch', weight, bias: g.constant('float32', 'd', [d], Float32Array.of(1, -1)) }
        return [patchEmbed(g, w, g.input('patches', 'float32', 'b p xyc', ['b', 2, inner]))]
      },
      { kernel: [[d, channels, side, side], kernel], patches: [[1, 2, inner], patches] },
    )
    for (let p = 0; p < 2; p++) {
      for (let o = 0; o < d; o++) {
        let sum = o === 0 ? 1 : -1
        for (let i = 0; i < inner; i++) {
          const [channel, place] = [i % channels, Math.floor(i / channels)]
          sum += (patches[p * inner + i] ?? 0) * (kernel[o * inner + channel * side * side + place] ?? 0)
        }
        expect(Number(y?.[p * d + o])).toBeCloseTo(sum, 5)
      }
    }
  })
})

describe('reshape', () => {
  it('works out at run time what it cannot say in advance', async () => {
    const [y] = await runGraph(
      (g) => {
        const x = g.input('x', 'float32', 'b t d', ['b', 't', 2])
        const flat = reshape(g, x, 'r', ['2*b*t'])
        return [reshape(g, named<'r'>(flat), 't b d', ['t', 'b', 2])]
      },
      { x: [[2, 3, 2], waves(12)] },
    )
    expect(y).toEqual(waves(12))
  })
})
