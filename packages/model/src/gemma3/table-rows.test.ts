import { expect, it } from 'vitest'
import type { FileTensor } from '../graph/graph.ts'
import type { StoredWeight } from './parameters.ts'
import { withTableRows } from './table-rows.ts'

const TABLE = 'language_model.embed_tokens.weight'
const tensor = (dtype: FileTensor['dtype'], shape: number[], offset: number, bytes: number): FileTensor => ({
  dtype,
  shape,
  offset,
  bytes,
  file: 'model.safetensors',
})

it('takes bytes that follow one another, of a table of numbers', () => {
  const whole: StoredWeight = tensor('bfloat16', [10, 4], 1000, 80)
  const source = withTableRows(() => whole, { firstId: 3, endId: 7 })
  expect(source(TABLE)).toEqual(tensor('bfloat16', [4, 4], 1024, 32))
  expect(source('language_model.norm.weight')).toBe(whole)
})

it('finds no rows in columns', () => {
  const columns = {
    shape: [10, 40],
    quants: tensor('uint8', [40, 10], 0, 400),
    scales: tensor('float32', [10], 400, 40),
  } as const
  const source = withTableRows(() => ({ columns }), { firstId: 8, endId: 10 })
  expect(() => source(TABLE)).toThrow(`${TABLE}: expected rows, found columns.`)
})

it('takes them of everything that a table in blocks is made of', () => {
  const blocks = {
    shape: [10, 40],
    bits: 4,
    blockSize: 32,
    quants: tensor('uint8', [10, 2, 16], 0, 320),
    scales: tensor('float32', [10, 2], 320, 80),
  } as const
  const source = withTableRows(() => ({ blocks: { ...blocks, offsets: tensor('float32', [10, 2], 400, 80) } }), {
    firstId: 8,
    endId: 10,
  })
  expect(source(TABLE)).toEqual({
    blocks: {
      ...blocks,
      shape: [2, 40],
      quants: tensor('uint8', [2, 2, 16], 256, 64),
      scales: tensor('float32', [2, 2], 384, 16),
      offsets: tensor('float32', [2, 2], 464, 16),
    },
  })
})
