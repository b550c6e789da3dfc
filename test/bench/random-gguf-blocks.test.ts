import { readGgufTensor } from '@loupe/model'
import { describe, expect, it } from 'vitest'
import { memoryFiles } from '../support/memory-files.ts'
import { type BlockType, Q4_0, Q8_0, quantise } from './random-gguf-blocks.ts'
import { fillRandom, keyOf } from './random-weights.ts'

const ELEMENTS = 64 * 32

function randomNumbers(): Float32Array {
  const out = new Float32Array(ELEMENTS)
  fillRandom(out, { dtype: 'F32', elements: ELEMENTS, spread: { mean: 0, std: 0.05 }, key: keyOf(1, 'a') }, 0)
  return out
}

/** As the model's own reader reads the blocks. */
async function readBack(numbers: Float32Array, type: BlockType): Promise<number[]> {
  const bytes = quantise(numbers, type)
  const files = memoryFiles({ 'a.gguf': bytes })
  const tensor = {
    name: 'a',
    dtype: type.dtype,
    shape: [numbers.length],
    file: 'a.gguf',
    offset: 0,
    bytes: bytes.byteLength,
  }
  const found: number[] = []
  for await (const piece of readGgufTensor(files, tensor)) found.push(...piece)
  return found
}

/** The largest error of a block over its largest number. */
function relativeErrors(numbers: Float32Array, found: readonly number[]): number[] {
  return Array.from({ length: numbers.length / 32 }, (_, block) => {
    const own = [...numbers.subarray(block * 32, (block + 1) * 32)]
    const errors = own.map((number, at) => Math.abs(number - (found[block * 32 + at] ?? Number.NaN)))
    return Math.max(...errors) / Math.max(...own.map(Math.abs))
  })
}

describe('quantise', () => {
  it('is within half a step in 8 bits', async () => {
    const numbers = randomNumbers()
    const errors = relativeErrors(numbers, await readBack(numbers, Q8_0))
    // Half of a 127th, and as much again as a float16 scale is rounded by.
    expect(Math.max(...errors)).toBeLessThan(0.5 / 127 + 2 ** -11)
  })

  it('is within a step in 4 bits, where the side of the largest number has 8 steps and the other 7', async () => {
    const numbers = randomNumbers()
    const errors = relativeErrors(numbers, await readBack(numbers, Q4_0))
    expect(Math.max(...errors)).toBeLessThan(1 / 8 + 2 ** -11)
    expect(Math.max(...errors)).toBeGreaterThan(0.4 / 8)
  })

  it('keeps the largest number of a 4-bit block, whatever its sign', async () => {
    for (const sign of [1, -1]) {
      const numbers = Float32Array.from({ length: 32 }, (_, at) => (at === 5 ? sign * 8 : at / 64))
      expect((await readBack(numbers, Q4_0))[5]).toBe(sign * 8)
    }
  })

  it('makes zeros of zeros', async () => {
    for (const type of [Q4_0, Q8_0]) {
      const sizes = (await readBack(new Float32Array(32), type)).map(Math.abs)
      expect(sizes).toEqual(Array(32).fill(0))
    }
  })
})
