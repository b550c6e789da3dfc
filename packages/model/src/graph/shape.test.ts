import { describe, expect, it } from 'vitest'
import { broadcastShape, elementCount, factorsOf, formatShape } from './shape.ts'

describe('broadcastShape', () => {
  it.each([
    [
      ['b', 't', 8],
      ['b', 't', 8],
      ['b', 't', 8],
    ],
    [
      ['b', 1, 's'],
      ['b', 't', 1],
      ['b', 't', 's'],
    ],
    [
      [1, 5],
      ['b', 5],
      ['b', 5],
    ],
    [['b', 't'], ['b', 's'], undefined],
    [[2], [3], undefined],
    [['b'], [1, 'b'], undefined],
  ])('%j with %j is %j', (left, right, expected) => {
    expect(broadcastShape(left, right)).toEqual(expected)
  })
})

describe('elementCount', () => {
  it.each([
    [[], 1],
    [[2, 3], 6],
    [['t', 'b', 2, 3], '6*b*t'],
    [['b*t', 6], '6*b*t'],
    [['4096*b', 2], '8192*b'],
    [['t'], 't'],
    [['b', 0], 0],
  ])('of %j is %j', (shape, expected) => {
    expect(elementCount(shape)).toBe(expected)
  })
})

it('takes products apart', () => {
  expect(factorsOf('4096*b*t')).toEqual([4096, 'b', 't'])
})

it('prints a shape', () => {
  expect(formatShape(['b', 't', 48])).toBe('[b, t, 48]')
})
