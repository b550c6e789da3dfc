/** Golden cases through `loupe generate`, in one piece and in stages. */
import { join } from 'node:path'
import { runLine } from '@loupe/gpu-worker/src/testing/cli-fixture.ts'
import { describe, expect, it } from 'vitest'
import { readCase } from './golden-case.ts'

describe.each(['batch-left-pad', 'two-images', 'image-first-long-text'] as const)('loupe generate on %s', (name) => {
  it.each([1, 2, 3])('writes the ids of the reference, in %d stages', async (stages) => {
    const { directory, greedyIds } = await readCase(name)
    const files = ['--model', directory, '--inputs', join(directory, 'inputs.safetensors')]
    const length = ['--max-tokens', `${greedyIds[0]?.length}`, '--stages', `${stages}`, '--threads', '1']
    const { status, out, err } = await runLine(['generate', ...files, ...length])
    expect({ status, err }).toEqual({ status: 0, err: '' })
    expect(
      out
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual(greedyIds)
  })
})

it.each([
  [['--stages', '0'], 2, '--stages takes a whole number from 1 to 1000, not "0". [usage.invalid]'],
  [['--stages', '999'], 1, 'found 999'],
])('loupe generate %j ends with status %d', async (options, status, message) => {
  const { directory } = await readCase('text-only')
  const files = ['--model', directory, '--inputs', join(directory, 'inputs.safetensors')]
  const found = await runLine(['generate', ...files, ...options])
  expect(found).toMatchObject({ status, out: '' })
  expect(found.err).toContain(message)
})
