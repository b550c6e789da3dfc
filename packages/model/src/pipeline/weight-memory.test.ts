import { describe, expect, it } from 'vitest'
import { TOKEN_EMBEDDING } from '../gemma3/names.ts'
import type { StoredWeight } from '../gemma3/parameters.ts'
import type { FileTensor } from '../graph/graph.ts'
import { type HoldingOptions, heldWeight, tablePages } from './weight-memory.ts'

const MATRIX = 'language_model.layers.0.mlp.up_proj.weight'
const PROJECTOR = 'multi_modal_projector.mm_input_projection_weight'

function tensor(dtype: FileTensor['dtype'], bytes: number, ...shape: number[]): FileTensor {
  return { dtype, shape, file: 'weights', offset: 0, bytes }
}

/** `[4, 64]` in blocks of 32: 8 of them. */
function blocks(bits: 4 | 8, hasOffsets = false): StoredWeight {
  const perBlock = tensor('float32', 32, 4, 2)
  const quants = tensor('uint8', 32 * bits, 4, 2, 4 * bits)
  const offsets = hasOffsets ? { offsets: perBlock } : {}
  return { blocks: { shape: [4, 64], bits, blockSize: 32, quants, scales: perBlock, ...offsets } }
}

const columns: StoredWeight = {
  columns: { shape: [4, 64], quants: tensor('uint8', 256, 64, 4), scales: tensor('float32', 16, 4) },
}
const wide = tensor('float32', 1024, 4, 64)
const narrow = tensor('bfloat16', 512, 4, 64)

function held(name: string, weight: StoredWeight, options: Partial<HoldingOptions> = {}) {
  const given = { isPrepacked: false, keepStoredTypes: false, activations: 'int8', ...options } as const
  const { form, parameters, ownBytes, pageBytes } = heldWeight(name, weight, given)
  expect(parameters).toBe(256)
  return [form, ownBytes, pageBytes]
}

describe('heldWeight', () => {
  it('copies blocks with a scale and a sum for each', () => {
    expect(held(MATRIX, blocks(4))).toEqual(['blocks of 32, 4 bits', 128 + 2 * 32, 0])
    expect(held(MATRIX, blocks(8))).toEqual(['blocks of 32, 8 bits', 256 + 2 * 32, 0])
    expect(held(MATRIX, blocks(4, true))).toEqual(['blocks of 32, 4 bits, offsets', 128 + 2 * 32 + 32, 0])
  })

  it('reads scales from the file where activations are exact, and 8 bits too', () => {
    const exact = { activations: 'float32' } as const
    expect(held(MATRIX, blocks(4), exact)).toEqual(['blocks of 32, 4 bits', 128, 32])
    expect(held(MATRIX, blocks(8), exact)).toEqual(['blocks of 32, 8 bits', 0, 256 + 32])
    expect(held(MATRIX, blocks(8, true), exact)).toEqual(['blocks of 32, 8 bits, offsets', 32, 256 + 32])
  })

  it('copies columns', () => {
    expect(held(MATRIX, columns)).toEqual(['columns, 8 bits', 256 + 16, 0])
  })

  it('reads float32 from its file, unless the part is packed', () => {
    expect(held(MATRIX, wide)).toEqual(['float32, in its file', 0, 1024])
    expect(held(MATRIX, wide, { isPrepacked: true })).toEqual(['float32', 1024, 0])
  })

  it('widens 16 bits, except matrices that are to stay so', () => {
    expect(held(MATRIX, narrow)).toEqual(['bfloat16, widened', 1024, 0])
    expect(held(MATRIX, narrow, { keepStoredTypes: true })).toEqual(['bfloat16, in its file', 0, 512])
    expect(held(PROJECTOR, narrow, { keepStoredTypes: true })).toEqual(['bfloat16, widened', 1024, 0])
  })
})

describe('tablePages', () => {
  const options = { isPrepacked: false, keepStoredTypes: false, activations: 'int8' } as const
  const window = 131_072

  it('counts 128 KiB a token, in each file that a row has something in, and never more than there is', () => {
    const large = tensor('uint8', 100 * window, 4, 2, 32)
    const scales = tensor('float32', 5 * window, 4, 2)
    const table: StoredWeight = { blocks: { shape: [4, 64], bits: 8, blockSize: 32, quants: large, scales } }
    expect(tablePages(table, 3, options)).toBe(6 * window)
    expect(tablePages(table, 50, options)).toBe(55 * window)
    expect(tablePages(table, 1000, options)).toBe(105 * window)
  })

  it('counts none of a table that the head reads itself', () => {
    expect(tablePages(wide, 1000, options)).toBe(0)
    expect(tablePages(wide, 1000, { ...options, isPrepacked: true })).toBe(1024)
    expect(tablePages(narrow, 1000, { ...options, keepStoredTypes: true })).toBe(512)
    expect(held(TOKEN_EMBEDDING, narrow)).toEqual(['bfloat16, widened', 1024, 0])
  })
})
