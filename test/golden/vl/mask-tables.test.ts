/** The masks that the class gives are those that Transformers 5.18 printed for two pictures and a window of 3. */
import type { Gemma3VLModel } from '@loupe/model'
import { loadGemma3VL } from '@loupe/model/node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { writeVariant } from './golden-case.ts'

const FLAGS = [0, 0, 1, 1, 1, 1, 1, 0, 0, 1, 1, 0]
/** First and last key that each query sees; it sees all between them. */
const GLOBAL = ['0-0', '0-1', '0-6', '0-6', '0-6', '0-6', '0-6', '0-7', '0-8', '0-10', '0-10', '0-11']
const LOCAL = ['0-0', '0-1', '0-6', '1-6', '2-6', '3-6', '4-6', '5-7', '6-8', '7-10', '8-10', '9-11']

/** Rows of a grid as `first-last`; `-` for a row that sees nothing. */
function runs(grid: Uint8Array, tokens: number): string[] {
  return Array.from({ length: grid.length / tokens }, (_, q) => {
    const row = [...grid.subarray(q * tokens, (q + 1) * tokens)]
    const [first, last] = [row.indexOf(1), row.lastIndexOf(1)]
    expect(row.slice(first, last + 1).every((seen) => seen === 1)).toBe(true)
    return first < 0 ? '-' : `${first}-${last}`
  })
}

const behind = (padding: number, rows: readonly string[]) => [
  ...new Array<string>(padding).fill('-'),
  ...rows.map((row) => row.replace(/\d+/g, (key) => String(Number(key) + padding))),
]

describe('computeAttentionMask', () => {
  let model: Gemma3VLModel
  let ids: number[]
  beforeAll(async () => {
    await using copy = await writeVariant('two-images', {
      config(config) {
        Object.assign(config['text_config'] ?? {}, { sliding_window: 3 })
      },
    })
    model = await loadGemma3VL(copy.directory, { threads: 1 })
    ids = FLAGS.map((flag) => (flag === 1 ? model.config.imageTokenId : 5))
  })
  afterAll(() => model[Symbol.dispose]())

  it('gives the local and the global table', () => {
    expect(model.config.text.slidingWindow).toBe(3)
    const { tokens, local, global } = model.computeAttentionMask(ids)
    expect([tokens, runs(local, tokens), runs(global, tokens)]).toEqual([12, LOCAL, GLOBAL])
  })

  it('leaves padding out on the left, where it moves the tables, and on the right', () => {
    const left = { attentionMask: [0, 0, ...ids.map(() => 1)] }
    const moved = model.computeAttentionMask([0, 0, ...ids], left)
    expect(runs(moved.local, moved.tokens)).toEqual(behind(2, LOCAL))
    expect(runs(moved.global, moved.tokens)).toEqual(behind(2, GLOBAL))
    const right = { attentionMask: [...ids.map(() => 1), 0] }
    const { tokens, local } = model.computeAttentionMask([...ids, 0], right)
    expect(runs(local, tokens)).toEqual([...LOCAL, '-'])
  })

  it.each([1, 2, 7, 9, 11, 12])('gives the rows that are left once %d tokens are cached', (firstQuery) => {
    const { tokens, local, global } = model.computeAttentionMask(ids, { firstQuery })
    expect(runs(local, tokens)).toEqual(LOCAL.slice(firstQuery))
    expect(runs(global, tokens)).toEqual(GLOBAL.slice(firstQuery))
  })

  it.each([
    { attentionMask: [1] },
    { firstQuery: -1 },
    { firstQuery: 13 },
    { firstQuery: 0.5 },
    { firstQuery: Number.NaN },
  ])('refuses %j', (options) => {
    const compute = () => model.computeAttentionMask(ids, options)
    expect(compute).toThrow(expect.objectContaining({ code: 'tensor.invalid' }))
  })
})
