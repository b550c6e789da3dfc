import { describe, expect, it } from 'vitest'
import { idsFrom, kthLogit, readLogitRow } from './logit-row.ts'
import { uniformAt } from './random.ts'

/** Rows of all lengths round the stretches, with ties. */
const rows = Array.from({ length: 150 }, (_, round) => {
  const length = 1 + Math.floor(400 * uniformAt(round, 0))
  return Float32Array.from({ length }, (_, id) => Math.floor(60 * uniformAt(round, id + 1)) / 4 - 7)
})

describe('readLogitRow', () => {
  it('finds the lowest id among the largest', () => {
    for (const row of rows) expect(readLogitRow(row).best).toBe(row.indexOf(Math.max(...row)))
    expect(readLogitRow(new Float32Array(70).fill(Number.NEGATIVE_INFINITY)).best).toBe(-1)
    expect(readLogitRow(new Float32Array(0)).best).toBe(-1)
  })

  it('says where a NaN is, wherever it is', () => {
    for (const at of [0, 63, 64, 66, 129]) {
      const row = new Float32Array(130)
      row[at] = Number.NaN
      expect(() => readLogitRow(row)).toThrow(`found NaN for token ${at}.`)
    }
  })
})

it('kthLogit agrees with a sort', () => {
  for (const [round, row] of rows.entries()) {
    for (const k of [1, 2, 1 + (round % 9), row.length, row.length + 1]) {
      expect(kthLogit(readLogitRow(row), k)).toBe(row.toSorted().at(-Math.min(k, row.length)))
    }
  }
})

it('idsFrom finds all that are no smaller', () => {
  for (const row of rows) {
    expect(idsFrom(readLogitRow(row), 3)).toEqual([...row.keys()].filter((id) => (row[id] ?? 0) >= 3))
  }
})
