import { expect, it } from 'vitest'
import { WORKER_PATHS } from './paths.ts'

it.each([
  ['gemma-3-4b-it', 'gemma-3-4b-it'],
  ['google/gemma 3', 'google%2Fgemma%203'],
  ['../metrics?x#y', '..%2Fmetrics%3Fx%23y'],
  ['\ud800', '%EF%BF%BD'],
])('keeps the model name %j in one step of the path', (name, step) => {
  expect(WORKER_PATHS.infer(name)).toBe(`/v2/models/${step}/infer`)
  expect(WORKER_PATHS.vision(name)).toBe(`/v2/models/${step}.vision/infer`)
})
