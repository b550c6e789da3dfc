/** Every golden case through `loupe forward`, in one piece and in stages. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runLine } from '@loupe/gpu-worker/src/testing/cli-fixture.ts'
import { decodeSafetensors } from '@loupe/model'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  CASES,
  type CaseName,
  caseDirectory,
  expectedTensor,
  type GoldenCase,
  readCase,
  TOLERANCE,
  worstDifference,
  worstUnpadded,
} from './golden-case.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'loupe-command-line-'))
})
afterAll(() => rm(folder, { recursive: true }))

async function forward(name: CaseName, stages: number): Promise<Map<string, Float32Array>> {
  const directory = caseDirectory(name)
  const out = join(folder, `${name}.safetensors`)
  const files = ['--model', directory, '--inputs', join(directory, 'inputs.safetensors'), '--out', out]
  expect(await runLine(['forward', ...files, '--stages', `${stages}`])).toEqual({ status: 0, out: '', err: '' })
  const tensors = decodeSafetensors(await readFile(out))
  return new Map(
    Array.from(tensors, ([key, { dtype, data }]) => {
      expect(dtype).toBe('F32')
      return [key, new Float32Array(Uint8Array.from(data).buffer)]
    }),
  )
}

/** Places of padding are undefined, in the reference and here. */
function worst(golden: GoldenCase, tensor: string, found: Float32Array, expected: Float32Array): number {
  return /vision|image/.test(tensor) ? worstDifference(found, expected) : worstUnpadded(golden, found, expected)
}

describe.each(CASES)('loupe forward on %s', (name) => {
  it('gives what Transformers gives, in 1, 2 and 3 stages and one for each layer', async () => {
    const golden = await readCase(name)
    const wanted = [...golden.expected.keys()].filter((tensor) => !tensor.startsWith('greedy_logits')).sort()
    const layers = wanted.filter((tensor) => tensor.startsWith('hidden_states.')).length - 1
    const whole = await forward(name, 1)
    for (const stages of [1, 2, 3, layers]) {
      const found = stages === 1 ? whole : await forward(name, stages)
      expect([...found.keys()].sort()).toEqual(wanted)
      for (const [tensor, data] of found) {
        const what = `${tensor} in ${stages} stages`
        const limit = tensor === 'token_loss' ? TOLERANCE.token_loss : TOLERANCE.default
        expect(worst(golden, tensor, data, expectedTensor(golden, tensor)), what).toBeLessThanOrEqual(limit)
        const unsplit = whole.get(tensor) ?? new Float32Array()
        // A stage computes the same operators on the same numbers: nothing is rounded in another way.
        expect(worst(golden, tensor, data, unsplit), what).toBe(0)
      }
    }
  })
})
