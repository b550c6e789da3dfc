import { mkdir, mkdtemp, readdir, rm, truncate, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { runLine } from '../testing/cli-fixture.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'loupe-cache-command-'))
})
afterEach(() => rm(directory, { recursive: true }))

const cache = (...options: string[]) => runLine(['cache', '--cache', directory, ...options])
const names = async () => (await readdir(join(directory, 'weights'))).map((name) => name.slice(0, 3)).sort()

/** An entry that takes so many GB, in a file without contents. */
async function writeEntry(digit: string, usedAt: Date, gigabytes: number): Promise<void> {
  const folder = join(directory, 'weights', digit.repeat(64))
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'packed.safetensors'), '')
  await truncate(join(folder, 'packed.safetensors'), gigabytes * 1e9)
  const manifest = { part: 'language', sources: [{ path: `/models/${digit}` }] }
  await writeFile(join(folder, 'manifest.json'), JSON.stringify(manifest))
  await utimes(folder, usedAt, usedAt)
}

const daysAgo = (days: number) => new Date(Date.now() - days * 86_400_000)

describe('loupe cache', () => {
  it('says that there is nothing', async () => {
    const out = `${directory}: 0 entries, 0.000 GB\n`
    expect(await cache()).toEqual({ status: 0, out, err: '' })
    expect(await cache('--clear')).toEqual({ status: 0, out, err: '' })
  })

  it('lists what is kept, the last used first, and removes nothing', async () => {
    await writeEntry('a', new Date('2026-01-02T03:04:05Z'), 2)
    await writeEntry('b', new Date('2026-02-03T04:05:06Z'), 0.25)
    const { out } = await cache()
    expect(out).toBe(`${directory}: 2 entries, 2.250 GB

last used         size  part      made from
2026-02-03    0.250 GB  language  /models/b
2026-01-02    2.000 GB  language  /models/a
`)
    expect(await names()).toEqual(['aaa', 'bbb'])
  })

  it.each([
    [['--clear'], [], ['3 entries, 6.000 GB']],
    [['--keep-days', '10'], ['aaa', 'bbb'], ['1 entry, 3.000 GB']],
    [['--max-gb', '3'], ['aaa', 'bbb'], ['1 entry, 3.000 GB']],
    [['--max-gb', '2'], ['aaa'], ['2 entries, 5.000 GB']],
    [['--max-gb', '0'], [], ['3 entries, 6.000 GB']],
    [['--keep-days', '3', '--max-gb', '9'], ['aaa'], ['2 entries, 5.000 GB']],
    [['--keep-days', '99'], ['aaa', 'bbb', 'ccc'], []],
  ])('with %j keeps %j', async (options, left, removed) => {
    await writeEntry('a', daysAgo(1), 1)
    await writeEntry('b', daysAgo(5), 2)
    await writeEntry('c', daysAgo(20), 3)
    const { status, out } = await cache(...options)
    expect({ status, left: await names() }).toEqual({ status: 0, left })
    expect(out.split('\n').flatMap((line) => line.match(/^removed (.*)/)?.[1] ?? [])).toEqual(removed)
  })

  it('removes what a process left behind, and not what one is writing', async () => {
    for (const name of ['new-old', 'new-young']) await mkdir(join(directory, 'weights', name), { recursive: true })
    await utimes(join(directory, 'weights', 'new-old'), daysAgo(1), daysAgo(1))
    await cache()
    expect(await readdir(join(directory, 'weights'))).toEqual(['new-old', 'new-young'])
    await cache('--keep-days', '9')
    expect(await readdir(join(directory, 'weights'))).toEqual(['new-young'])
  })

  it('writes JSON for scripts', async () => {
    await writeEntry('a', daysAgo(1), 1)
    await writeEntry('b', daysAgo(5), 2)
    const report = JSON.parse((await cache('--max-gb', '1', '--json')).out)
    expect(report).toMatchObject({
      directory,
      entries: [{ part: 'language', sources: ['/models/a'], bytes: 1e9, usedAt: expect.stringMatching(/^\d{4}-.*Z$/) }],
      removed: [{ folder: join(directory, 'weights', 'b'.repeat(64)) }],
    })
  })

  it.each([
    [['--clear', '--max-gb', '1'], '--clear removes all: expected no --keep-days or --max-gb beside it.'],
    [['--keep-days', '-1'], '--keep-days'],
    [['--max-gb', 'x'], '--max-gb takes a whole number from 0 to 1000000, not "x".'],
  ])('refuses %j and removes nothing', async (options, message) => {
    await writeEntry('a', daysAgo(1), 1)
    const { status, err } = await cache(...options)
    expect(status).toBe(2)
    expect(err).toContain(message)
    expect(await names()).toEqual(['aaa'])
  })

  it('explains itself', async () => {
    const { status, out } = await runLine(['cache', '--help'])
    expect(status).toBe(0)
    expect(out).toContain('--keep-days N')
  })
})
