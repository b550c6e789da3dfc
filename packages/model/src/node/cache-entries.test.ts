import { mkdir, mkdtemp, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { listCacheEntries, noteUse, removeAbandonedDrafts, removeCacheEntry } from './cache-entries.ts'

let root: string
/** Fresh for each test. */
let cache: string
let cases = 0
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'loupe-entries-'))
})
afterAll(() => rm(root, { recursive: true }))
beforeEach(() => {
  cache = join(root, `${cases++}`)
})

const HOUR = 3_600_000
const hoursAgo = (hours: number) => new Date(Date.now() - hours * HOUR)

async function writeEntry(name: string, files: Record<string, string>, usedAt: Date): Promise<string> {
  const folder = join(cache, 'weights', name)
  await mkdir(folder, { recursive: true })
  for (const [file, text] of Object.entries(files)) await writeFile(join(folder, file), text)
  await utimes(folder, usedAt, usedAt)
  return folder
}

const key = (digit: string) => digit.repeat(64)
const manifest = JSON.stringify({ format: 1, part: 'vision', sources: [{ path: '/models/x', bytes: 3 }] })

describe('listCacheEntries', () => {
  it('finds nothing where there is no cache', async () => {
    expect(await listCacheEntries(cache)).toEqual([])
  })

  it('finds complete entries, the last used first, and nothing else', async () => {
    const [older, newer] = [hoursAgo(48), hoursAgo(24)]
    const first = await writeEntry(key('a'), { 'packed.safetensors': 'xyz', 'manifest.json': manifest }, older)
    const second = await writeEntry(key('b'), { 'packed.safetensors': 'x', 'manifest.json': 'torn' }, newer)
    await writeEntry('new-draft', { 'packed.safetensors': 'xxxx' }, newer)
    await writeEntry('notes', { 'packed.safetensors': 'mine' }, newer)
    expect(await listCacheEntries(cache)).toEqual([
      { folder: second, part: '', sources: [], bytes: 1, usedAt: newer },
      { folder: first, part: 'vision', sources: ['/models/x'], bytes: 3, usedAt: older },
    ])
  })
})

describe('an entry', () => {
  it('is removed whole, and alone', async () => {
    await writeEntry(key('a'), { 'packed.safetensors': 'x' }, hoursAgo(1))
    await writeEntry(key('b'), { 'packed.safetensors': 'x' }, hoursAgo(2))
    const [first] = await listCacheEntries(cache)
    if (first !== undefined) await removeCacheEntry(first)
    expect(await readdir(join(cache, 'weights'))).toEqual([key('b')])
  })

  it('has the time of its last use', async () => {
    const folder = await writeEntry(key('a'), { 'packed.safetensors': 'x' }, hoursAgo(100))
    await noteUse(folder)
    expect((await stat(folder)).mtimeMs).toBeGreaterThan(hoursAgo(1).getTime())
    await noteUse(join(cache, 'gone'))
  })
})

describe('removeAbandonedDrafts', () => {
  it('removes drafts that nobody has written to for an hour', async () => {
    for (const name of ['new-crashed', 'new-busy']) {
      const folder = await writeEntry(name, { 'packed.safetensors': 'x' }, hoursAgo(9))
      if (name === 'new-crashed') await utimes(join(folder, 'packed.safetensors'), hoursAgo(2), hoursAgo(2))
    }
    await writeEntry('new-empty', {}, hoursAgo(2))
    await writeEntry(key('a'), { 'packed.safetensors': 'x' }, hoursAgo(99))
    expect(await removeAbandonedDrafts(cache)).toBe(2)
    expect((await readdir(join(cache, 'weights'))).sort()).toEqual([key('a'), 'new-busy'])
    expect(await removeAbandonedDrafts(join(cache, 'nowhere'))).toBe(0)
  })
})
