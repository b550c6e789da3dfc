import { expect, it } from 'vitest'
import { runLine } from '../testing/cli-fixture.ts'

it('refuses files that would be written over each other, before it writes any', async () => {
  const { status, out, err } = await runLine(['preprocess', 'a/red.png', 'b/red.jpg', '--out', 'nowhere/at/all'])
  expect({ status, out }).toEqual({ status: 2, out: '' })
  expect(err).toContain('--out: a/red.png and b/red.jpg would both be written as red.png.')
})

it('takes files of one name when nothing is written', async () => {
  const { status, out } = await runLine(['preprocess', 'a/red.png', 'b/red.png'])
  expect(status).toBe(0)
  expect(out.trim().split('\n')).toHaveLength(2)
})
