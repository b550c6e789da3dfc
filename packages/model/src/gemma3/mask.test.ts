import { describe, expect, it } from 'vitest'
import { attentionGrids, HIDDEN_BLOCK, imageBlocks } from './mask.ts'

const IMAGE = 9

/** Rows as `first-last` visible key, which the rule makes one run; `-` for none. */
function runs(grid: Uint8Array, tokens: number): string[] {
  return Array.from({ length: tokens }, (_, q) => {
    const row = [...grid.subarray(q * tokens, (q + 1) * tokens)]
    const [first, last] = [row.indexOf(1), row.lastIndexOf(1)]
    expect(row.slice(first, last + 1).every((seen) => seen === 1)).toBe(true)
    return first < 0 ? '-' : `${first}-${last}`
  })
}

/** `#` is visible. */
function drawn(grid: Uint8Array, tokens: number): string[] {
  const row = (q: number) => [...grid.subarray(q * tokens, (q + 1) * tokens)].map((seen) => (seen ? '#' : '.')).join('')
  return Array.from({ length: tokens }, (_, q) => row(q))
}

const grids = (flags: number[], window: number) =>
  attentionGrids(
    imageBlocks(
      flags.map((flag) => (flag ? IMAGE : 1)),
      IMAGE,
    ),
    window,
  )

describe('imageBlocks', () => {
  it.each([
    [
      [1, 2, 3],
      [0, 0, 0],
    ],
    [
      [1, 9, 9, 2, 9, 9, 3],
      [0, 1, 1, 0, 2, 2, 0],
    ],
    [
      [9, 9, 1, 9],
      [1, 1, 0, 2],
    ],
    [[], []],
  ])('of %j are %j', (ids, blocks) => {
    expect([...imageBlocks(ids, IMAGE)]).toEqual(blocks)
  })

  it('are all text where no id means an image', () => {
    expect([...imageBlocks([0, 1, 2], -1)]).toEqual([0, 0, 0])
  })
})

describe('attentionGrids', () => {
  /** Printed by Transformers 5.18 for these flags and a window of 3. */
  const FLAGS = [0, 0, 1, 1, 1, 1, 1, 0, 0, 1, 1, 0]
  const GLOBAL = ['0-0', '0-1', '0-6', '0-6', '0-6', '0-6', '0-6', '0-7', '0-8', '0-10', '0-10', '0-11']
  const LOCAL = ['0-0', '0-1', '0-6', '1-6', '2-6', '3-6', '4-6', '5-7', '6-8', '7-10', '8-10', '9-11']

  it('equal those of Transformers', () => {
    const { global, local, tokens } = grids(FLAGS, 3)
    expect(runs(global, tokens)).toEqual(GLOBAL)
    expect(runs(local, tokens)).toEqual(LOCAL)
  })

  it('equal those of Transformers behind two places of padding', () => {
    const blocks = Int32Array.of(
      HIDDEN_BLOCK,
      HIDDEN_BLOCK,
      ...imageBlocks(
        FLAGS.map((f) => f * IMAGE),
        IMAGE,
      ),
    )
    const { global, local, tokens } = attentionGrids(blocks, 3)
    const shifted = (rows: string[]) =>
      ['-', '-'].concat(rows.map((row) => row.replace(/\d+/g, (key) => String(Number(key) + 2))))
    expect(runs(global, tokens)).toEqual(shifted(GLOBAL))
    expect(runs(local, tokens)).toEqual(shifted(LOCAL))
  })

  it('hide padding behind the text', () => {
    const { global, tokens } = attentionGrids(Int32Array.of(0, 0, HIDDEN_BLOCK), 8)
    expect(drawn(global, tokens)).toEqual(['#..', '##.', '...'])
  })

  it('let an image at the very start and at the very end see all of itself', () => {
    const { global, local, tokens } = grids([1, 1, 0, 1, 1], 2)
    expect(drawn(global, tokens)).toEqual(['##...', '##...', '###..', '#####', '#####'])
    expect(drawn(local, tokens)).toEqual(['##...', '##...', '.##..', '..###', '...##'])
  })

  it('show the key W - 1 back and hide the key W back', () => {
    const { local, tokens } = grids([0, 0, 0, 0, 0], 3)
    expect(drawn(local, tokens)).toEqual(['#....', '##...', '###..', '.###.', '..###'])
  })

  it('keep two images apart', () => {
    const { global, tokens } = grids([1, 1, 0, 1, 1], 9)
    expect(drawn(global, tokens).slice(0, 2)).toEqual(['##...', '##...'])
  })
})
