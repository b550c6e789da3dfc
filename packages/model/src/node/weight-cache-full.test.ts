/** A disk that fills up while a part is packed: `/dev/full` takes no byte. */
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { planPacking } from './pack-plan.ts'
import { openPacked } from './weight-cache.ts'

const FULL = '/dev/full'

vi.mock('./pack-threads.ts', async (load) => {
  const threads = await load<typeof import('./pack-threads.ts')>()
  const runPackTasks: typeof threads.runPackTasks = (tasks, options) =>
    threads.runPackTasks(tasks, { ...options, target: FULL })
  return { ...threads, runPackTasks }
})

let root: string
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'loupe-full-'))
})
afterAll(() => rm(root, { recursive: true }))

describe.skipIf(!existsSync(FULL))('a disk that is full', () => {
  it.each([
    ['here', [64, 96]],
    ['in threads', [8704, 1024]],
  ] as const)('is reported as such when the weights are packed %s, and nothing is left', async (name, shape) => {
    const path = join(root, name)
    const cacheDirectory = join(root, `cache of ${name}`)
    const bytes = 4 * shape[0] * shape[1]
    await writeFile(path, new Uint8Array(bytes))
    const source = { name: 'w', dtype: 'F32', shape, path, offset: 0, bytes, isStoredPlusOne: false } as const
    const form = { kind: 'quantized', bits: 8, blockSize: 32 } as const
    const plan = planPacking('language', new Map([['w', { source, form }]]))
    await expect(openPacked(plan, { cacheDirectory })).rejects.toMatchObject({
      code: 'cache.unusable',
      detail: expect.stringMatching(
        `expected ${plan.fileBytes} bytes free for the language weights, found fewer; name`,
      ),
    })
    expect(await readdir(join(cacheDirectory, 'weights'))).toEqual([])
  })
})
