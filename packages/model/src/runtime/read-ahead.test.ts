import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { readAhead, readAll } from './read-ahead.ts'

const BYTES = 9 * 1024 * 1024 // three pieces

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'loupe-ahead-'))
  await writeFile(join(folder, 'weights'), new Uint8Array(BYTES))
})
afterAll(() => rm(folder, { recursive: true }))

const slice = (offset: number, bytes: number, file = 'weights') => ({ file, offset, bytes })
const going = () => new AbortController().signal

it('reads what it is asked for, and of a file that is too short what there is', async () => {
  expect(await readAll(folder, [slice(0, BYTES)], going())).toBe(BYTES)
  expect(await readAll(folder, [slice(5000, 100), slice(0, 7)], going())).toBe(107)
  expect(await readAll(folder, [slice(BYTES - 10, 100)], going())).toBe(10)
  expect(await readAll(folder, [], going())).toBe(0)
})

it('ends when it is told to', async () => {
  expect(await readAll(folder, [slice(0, BYTES)], AbortSignal.abort())).toBe(0)
})

it('says nothing of files that are not there', async () => {
  await expect(readAll(folder, [slice(0, 1, 'none')], going())).rejects.toThrow('ENOENT')
  using reading = readAhead(folder, [slice(0, 1, 'none')])
  expect(reading).toBeDefined()
})
