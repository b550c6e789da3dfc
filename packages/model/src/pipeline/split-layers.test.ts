import { describe, expect, it } from 'vitest'
import { type LayerSplit, splitLayers } from './split-layers.ts'

const ranges = (layers: number, split: LayerSplit) =>
  splitLayers(layers, split).map(({ firstLayer, endLayer }) => `${firstLayer}-${endLayer - 1}`)

describe('splitLayers', () => {
  it.each([
    [7, { stages: 1 }, ['0-6']],
    [7, {}, ['0-6']],
    [7, { stages: 2 }, ['0-3', '4-6']],
    [7, { stages: 3 }, ['0-2', '3-4', '5-6']],
    [7, { stages: 7 }, ['0-0', '1-1', '2-2', '3-3', '4-4', '5-5', '6-6']],
    [62, { stages: 4 }, ['0-15', '16-30', '31-46', '47-61']],
    [7, { stages: 3, boundaries: [1, 6] }, ['0-0', '1-5', '6-6']],
  ] as const)('of %d layers by %j are %j', (layers, split, expected) => {
    expect(ranges(layers, split)).toEqual(expected)
  })

  it('leaves no layer out and gives each end to one stage, whatever the number', () => {
    for (let stages = 1; stages <= 34; stages++) {
      const split = splitLayers(34, { stages })
      const layers = split.flatMap(({ firstLayer, endLayer }) =>
        Array.from({ length: endLayer - firstLayer }, (_, index) => firstLayer + index),
      )
      expect(layers).toEqual(Array.from({ length: 34 }, (_, layer) => layer))
      const sizes = split.map(({ firstLayer, endLayer }) => endLayer - firstLayer)
      expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1)
      expect(split.map(({ preProcess }) => preProcess).lastIndexOf(true)).toBe(0)
      expect(split.map(({ postProcess }) => postProcess).indexOf(true)).toBe(stages - 1)
    }
  })

  it('lays virtual stages over the devices in turn', () => {
    const runs = splitLayers(8, { stages: 2, virtualStages: 2 })
    const ofDevice = (device: number) =>
      runs
        .filter((_, c) => c % 2 === device)
        .map(({ vpStage, firstLayer, endLayer }) => [vpStage, firstLayer, endLayer])
    expect(ofDevice(0)).toEqual([
      [0, 0, 2],
      [1, 4, 6],
    ])
    expect(ofDevice(1)).toEqual([
      [0, 2, 4],
      [1, 6, 8],
    ])
    expect(runs.map(({ preProcess, postProcess }) => [preProcess, postProcess])).toEqual([
      [true, false],
      [false, false],
      [false, false],
      [false, true],
    ])
  })

  it('numbers no virtual stages where a device has one run', () => {
    expect(splitLayers(8, { stages: 2 }).map(({ vpStage }) => vpStage)).toEqual([undefined, undefined])
  })

  it.each([
    [{ stages: 0 }, /1 to 7 stages .* found 0\./],
    [{ stages: 8 }, /1 to 7 stages .* found 8\./],
    [{ stages: 1.5 }, /found 1\.5\./],
    [{ stages: 4, virtualStages: 2 }, /found 4 × 2\./],
    [{ stages: 2 ** 53 }, /found 9007199254740992\./],
    [{ stages: 2, virtualStages: 0 }, /found 2 × 0\./],
    [{ stages: 3, boundaries: [2] }, /2 rising boundaries from 1 to 6, found \[2\]/],
    [{ stages: 3, boundaries: [3, 3] }, /found \[3, 3\]/],
    [{ stages: 3, boundaries: [4, 2] }, /found \[4, 2\]/],
    [{ stages: 3, boundaries: [0, 2] }, /found \[0, 2\]/],
    [{ stages: 3, boundaries: [2, 7] }, /found \[2, 7\]/],
    [{ stages: 2, boundaries: [2.5] }, /found \[2\.5\]/],
  ])('refuses %j', (split, message) => {
    expect(() => splitLayers(7, split)).toThrow(message)
    expect(() => splitLayers(7, split)).toThrow(expect.objectContaining({ code: 'request.invalid' }))
  })
})
