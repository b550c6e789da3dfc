import { expect, it } from 'vitest'
import { assignDevices } from './assign-devices.ts'
import { type ModelSplit, splitModel } from './split-layers.ts'

const assigned = (split: ModelSplit, devices: string) =>
  assignDevices(splitModel({ layers: 12, vocabSize: 100 }, split), split, [...devices])
    .map(([, device]) => device)
    .join('')

it.each([
  [{}, 'a', 'a'],
  [{ stages: 3 }, 'abc', 'abc'],
  [{ stages: 2, virtualStages: 3 }, 'ab', 'ababab'],
  [{ headShards: 3 }, 'abc', 'aabc'],
  [{ stages: 2, headShards: 3 }, 'ab', 'ababa'],
  [{ stages: 2, virtualStages: 2, headShards: 4 }, 'abcd', 'abababcd'],
])('puts the stages of %j on %s as %s', (split, devices, expected) => {
  expect(assigned(split, devices)).toBe(expected)
})

it.each([
  [{ stages: 3 }, 'ab', /Expected 3 devices or more for the stages, found 2\./],
  [{}, '', /Expected 1 devices or more for the stages, found 0\./],
])('refuses %j on "%s"', (split, devices, message) => {
  expect(() => assigned(split, devices)).toThrow(message)
})
