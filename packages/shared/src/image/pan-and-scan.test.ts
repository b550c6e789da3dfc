import { expect, it } from 'vitest'
import { panAndScanBoxes } from './pan-and-scan.ts'

it.each([
  [1000, 1000, 0, 0, 0],
  [1200, 1000, 2, 600, 1000],
  [1199, 1000, 0, 0, 0],
  [512, 300, 2, 256, 300],
  [600, 300, 2, 300, 300],
  [3000, 500, 4, 750, 500],
  [4000, 300, 4, 1000, 300],
  [2000, 250, 0, 0, 0],
  [500, 3000, 4, 500, 750],
])('cuts %ix%i into %i crops of %ix%i, as the reference does', (width, height, count, cropWidth, cropHeight) => {
  const boxes = panAndScanBoxes({ width, height })
  expect(boxes).toHaveLength(count)
  for (const [x0, y0, x1, y1] of boxes) expect([x1 - x0, y1 - y0]).toEqual([cropWidth, cropHeight])
})

it('leaves the last crop narrower when the side does not divide', () => {
  expect(panAndScanBoxes({ width: 1003, height: 300 })).toEqual([
    [0, 0, 335, 300],
    [335, 0, 670, 300],
    [670, 0, 1003, 300],
  ])
})
