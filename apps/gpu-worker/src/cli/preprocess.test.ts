import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
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

it('makes the folder that it writes to, and those above it', async () => {
  const root = await mkdtemp(join(tmpdir(), 'loupe-preprocess-'))
  try {
    const out = join(root, 'a', 'b')
    const picture = fileURLToPath(new URL('../../../../examples/red-circle.png', import.meta.url))
    expect(await runLine(['preprocess', picture, '--out', out])).toMatchObject({ status: 0, err: '' })
    expect(await readdir(out)).toEqual(['red-circle.png'])
  } finally {
    await rm(root, { recursive: true })
  }
})

it('refuses at once a folder that nothing can be written to', async () => {
  const root = await mkdtemp(join(tmpdir(), 'loupe-preprocess-'))
  try {
    const file = join(root, 'file')
    await writeFile(file, '')
    // A recursive mkdir of Node never ends in /proc.
    for (const [out, code] of [
      ['/proc/loupe/seen', 'ENOENT'],
      [file, 'ENOTDIR'],
      [join(file, 'seen'), 'ENOTDIR'],
    ] as const) {
      const { status, err } = await runLine(['preprocess', 'a.png', '--out', out])
      expect(status).toBe(2)
      expect(err).toContain(`--out: ${out} is no folder that can be written to (${code}). [usage.invalid]`)
    }
  } finally {
    await rm(root, { recursive: true })
  }
})
