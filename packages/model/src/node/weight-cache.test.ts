import {
  appendFile,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  rm,
  stat,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { type PackForm, packRows } from '../weights/packing.ts'
import { quantizeColumns } from '../weights/quantize-columns.ts'
import { decodeSafetensors } from '../weights/safetensors.ts'
import { defaultCacheDirectory } from './cache-layout.ts'
import type { PackProgress } from './load-options.ts'
import { type PackPlan, planPacking } from './pack-plan.ts'
import { openPacked, PACKED_FILE } from './weight-cache.ts'

const INT8 = { kind: 'quantized', bits: 8, blockSize: 32 } as const
const SHAPE = [64, 96] as const

let root: string
/** Fresh for each test. */
let cache: string
let checkpoint: string
let cases = 0

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'loupe-cache-'))
})
afterAll(() => rm(root, { recursive: true }))

beforeEach(async () => {
  cache = join(root, `cache-${cases}`)
  checkpoint = join(root, `checkpoint-${cases++}`)
  await writeFile(checkpoint, new Uint8Array(weights(SHAPE).buffer))
})

function weights([rows, inner]: readonly [number, number]): Float32Array<ArrayBuffer> {
  const data = new Float32Array(rows * inner)
  const pattern = Float32Array.from({ length: Math.min(data.length, 10_007) }, (_, i) => Math.sin(i))
  for (let at = 0; at < data.length; at += pattern.length) data.set(pattern.subarray(0, data.length - at), at)
  return data
}

function plan(shape: readonly [number, number] = SHAPE, form: PackForm = INT8): PackPlan {
  const bytes = 4 * shape[0] * shape[1]
  const source = { name: 'w', dtype: 'F32', shape, path: checkpoint, offset: 0, bytes, isStoredPlusOne: false } as const
  return planPacking('language', new Map([['w', { source, form }]]))
}

/** Opens the plan. @returns the folder, and the steps that it took */
async function openCounted(signal?: AbortSignal) {
  const steps: PackProgress['step'][] = []
  const onProgress = ({ step }: PackProgress) => steps.push(step)
  const folder = await openPacked(plan(), { cacheDirectory: cache, onProgress, signal })
  return { folder, steps: [...new Set(steps)] }
}

async function drafts(): Promise<string[]> {
  return (await readdir(join(cache, 'weights'))).filter((name) => name.startsWith('new-'))
}

async function overwrite(path: string, bytes: Uint8Array, position: number): Promise<void> {
  const file = await open(path, 'r+')
  await file.write(bytes, 0, bytes.byteLength, position)
  await file.close()
}

/** Digests of files that changed a moment ago are not remembered. */
const settle = () => setTimeout(150)

describe('openPacked', () => {
  it('writes what the plan says, as safetensors, with a note of where it came from', async () => {
    const { folder } = await openCounted()
    const found = decodeSafetensors(await readFile(join(folder, PACKED_FILE)))
    const weight = { name: 'w', dtype: 'F32', shape: SHAPE } as const
    const [quants, scales] = packRows(weight, INT8, new Uint8Array(weights(SHAPE).buffer))
    expect(found.get('w.quants')).toMatchObject({ dtype: 'U8', shape: [64, 3, 32] })
    expect(Buffer.compare(found.get('w.quants')?.data ?? new Uint8Array(), quants ?? new Uint8Array())).toBe(0)
    expect(Buffer.compare(found.get('w.scales')?.data ?? new Uint8Array(), scales ?? new Uint8Array())).toBe(0)
    const manifest = JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8'))
    const bytes = 4 * SHAPE[0] * SHAPE[1]
    expect(manifest).toMatchObject({ format: 2, part: 'language', sources: [{ path: checkpoint, bytes }] })
    expect(await drafts()).toEqual([])
  })

  it('reads the checkpoint once, and packs it once', async () => {
    await settle()
    const first = await openCounted()
    expect(first.steps).toEqual(['read', 'pack'])
    expect(await openCounted()).toEqual({ folder: first.folder, steps: [] })
  })

  it('takes the same contents under another name for the same', async () => {
    const { folder } = await openCounted()
    const bytes = await readFile(checkpoint)
    checkpoint = `${checkpoint}-copy`
    await writeFile(checkpoint, bytes)
    expect(await openCounted()).toEqual({ folder, steps: ['read'] })
  })

  it('packs again what has changed, even if size and time of the file are the same', async () => {
    const { mtime } = await stat(checkpoint)
    await settle()
    const { folder } = await openCounted()
    await overwrite(checkpoint, Uint8Array.of(0, 0, 0, 64), 40)
    await utimes(checkpoint, mtime, mtime)
    const changed = await openCounted()
    expect(changed.steps).toEqual(['read', 'pack'])
    expect(changed.folder).not.toBe(folder)
  })

  it('reads a file again that changed a moment before it was read', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() })
    try {
      await writeFile(checkpoint, await readFile(checkpoint))
      vi.setSystemTime((await stat(checkpoint)).ctimeMs + 1)
      await openCounted()
      expect((await openCounted()).steps).toEqual(['read'])
    } finally {
      vi.useRealTimers()
    }
  })

  it.each([
    ['cut short', (path: string) => truncate(path, 100)],
    ['too long', (path: string) => appendFile(path, 'x')],
    ['gone', (path: string) => rm(path)],
    ['of another layout', (path: string) => overwrite(path, Uint8Array.of(0x5b), 8)],
  ])('replaces a packed file that is %s', async (_, spoil) => {
    const { folder } = await openCounted()
    const whole = await readFile(join(folder, PACKED_FILE))
    await spoil(join(folder, PACKED_FILE))
    expect(await openCounted()).toMatchObject({ folder, steps: expect.arrayContaining(['pack']) })
    expect(Buffer.compare(await readFile(join(folder, PACKED_FILE)), whole)).toBe(0)
    expect(await drafts()).toEqual([])
  })

  it('notes when an entry is used', async () => {
    const { folder } = await openCounted()
    const old = new Date(0)
    await utimes(folder, old, old)
    await openCounted()
    expect(Date.now() - (await stat(folder)).mtimeMs).toBeLessThan(600_000)
  })

  it('lets others read what the umask lets them read', async () => {
    const { folder } = await openCounted()
    const open = ~process.umask()
    expect((await stat(folder)).mode & 0o777).toBe(0o777 & open)
    expect((await stat(join(folder, PACKED_FILE))).mode & 0o777).toBe(0o666 & open)
  })

  it('lets several that pack the same at once all end well', async () => {
    const opened = await Promise.all(Array.from({ length: 5 }, () => openCounted()))
    expect(new Set(opened.map(({ folder }) => folder)).size).toBe(1)
    expect(await drafts()).toEqual([])
    expect((await openCounted()).steps).not.toContain('pack')
  })

  it('leaves nothing behind when it is cancelled', async () => {
    const controller = new AbortController()
    const onProgress = () => controller.abort()
    const { signal } = controller
    const opening = openPacked(plan(), { cacheDirectory: cache, onProgress, signal })
    await expect(opening).rejects.toMatchObject({ code: 'request.cancelled' })
    expect(await readdir(cache).catch(() => [])).not.toContain('weights')
    const late = AbortSignal.abort()
    await expect(openPacked(plan(), { cacheDirectory: cache, signal: late })).rejects.toMatchObject({
      code: 'request.cancelled',
    })
  })

  it('leaves nothing behind when a weight is no number', async () => {
    await overwrite(checkpoint, Uint8Array.of(0, 0, 0xc0, 0x7f), 4000)
    await expect(openCounted()).rejects.toMatchObject({
      code: 'weights.invalid',
      detail: 'w: expected numbers, found an infinity or NaN.',
    })
    expect(await readdir(join(cache, 'weights'))).toEqual([])
  })

  it('does not keep what was packed while the checkpoint changed', async () => {
    const onProgress = ({ step }: PackProgress) => {
      if (step === 'pack') void appendFile(checkpoint, 'x')
    }
    await settle()
    const opening = openPacked(plan(), { cacheDirectory: cache, onProgress })
    await expect(opening).rejects.toMatchObject({ code: 'weights.invalid', detail: expect.stringContaining('changed') })
    expect(await readdir(join(cache, 'weights'))).toEqual([])
  })

  it('removes what a crash left behind, and not what another process is writing', async () => {
    for (const name of ['new-crashed', 'new-empty', 'new-busy'])
      await mkdir(join(cache, 'weights', name), { recursive: true })
    for (const name of ['new-crashed', 'new-busy']) await writeFile(join(cache, 'weights', name, PACKED_FILE), '')
    const old = new Date(Date.now() - 4_000_000)
    await utimes(join(cache, 'weights/new-crashed', PACKED_FILE), old, old)
    for (const name of ['new-empty', 'new-busy']) await utimes(join(cache, 'weights', name), old, old)
    await openCounted()
    expect(await drafts()).toEqual(['new-busy'])
  })

  it('says which option names another cache when this one cannot be written', async () => {
    cache = checkpoint
    await settle()
    await expect(openCounted()).rejects.toMatchObject({
      code: 'cache.unusable',
      detail: `${join(checkpoint, 'weights')} cannot be written (ENOTDIR); name another folder with cacheDirectory (--cache).`,
    })
  })

  it('does not wait for a directory that takes nothing', async () => {
    await expect(openPacked(plan([4, 32]), { cacheDirectory: '/proc/loupe' })).rejects.toMatchObject({
      code: 'cache.unusable',
      detail: expect.stringContaining('/proc/loupe/weights cannot be written (ENOENT)'),
    })
  })

  it('refuses what the disk has no room for, with the numbers', async () => {
    const huge = plan([2 ** 42, 32])
    await expect(openPacked(huge, { cacheDirectory: cache })).rejects.toMatchObject({
      code: 'cache.unusable',
      detail: expect.stringMatching(
        /expected \d{15} bytes free for the language weights, found \d{6,14}; name another/,
      ),
    })
    expect(await drafts()).toEqual([])
  })

  it('says so when the checkpoint is gone', async () => {
    await rm(checkpoint)
    await expect(openCounted()).rejects.toMatchObject({ code: 'weights.invalid' })
  })
})

describe('a matrix that becomes columns', () => {
  const TALL = [5000, 1024] as const // more than a task or a piece of rows holds

  it('is packed whole, in a folder of its own beside the same one in blocks', async () => {
    const data = weights(TALL)
    await writeFile(checkpoint, new Uint8Array(data.buffer))
    const inBlocks = await openPacked(plan(TALL), { cacheDirectory: cache })
    const folder = await openPacked(plan(TALL, { kind: 'columns' }), { cacheDirectory: cache })
    expect(folder).not.toBe(inBlocks)
    const found = decodeSafetensors(await readFile(join(folder, PACKED_FILE)))
    const { quants, scales } = quantizeColumns(data, ...TALL) ?? expect.fail('every weight is a number')
    expect(found.get('w.columns')).toMatchObject({ dtype: 'I8', shape: [1024, 5000] })
    expect(Buffer.compare(found.get('w.columns')?.data ?? new Uint8Array(), new Uint8Array(quants.buffer))).toBe(0)
    expect(Buffer.compare(found.get('w.scales')?.data ?? new Uint8Array(), new Uint8Array(scales.buffer))).toBe(0)
  })
})

describe('a part that is worth threads', () => {
  const LARGE = [16_640, 1024] as const

  it('is packed as a small one is', async () => {
    const data = weights(LARGE)
    await writeFile(checkpoint, new Uint8Array(data.buffer))
    const progress: number[] = []
    const onProgress = ({ step, doneBytes }: PackProgress) => step === 'pack' && progress.push(doneBytes)
    const folder = await openPacked(plan(LARGE), { cacheDirectory: cache, onProgress })
    expect(progress.at(-1)).toBe(data.byteLength)
    const found = decodeSafetensors(await readFile(join(folder, PACKED_FILE)))
    const weight = { name: 'w', dtype: 'F32', shape: LARGE } as const
    const [quants, scales] = packRows(weight, INT8, new Uint8Array(data.buffer))
    expect(Buffer.compare(found.get('w.quants')?.data ?? new Uint8Array(), quants ?? new Uint8Array())).toBe(0)
    expect(Buffer.compare(found.get('w.scales')?.data ?? new Uint8Array(), scales ?? new Uint8Array())).toBe(0)
  })

  it('ends as a small one does when it is cancelled, and when a weight is no number', async () => {
    const data = weights(LARGE)
    data[data.length - 1] = Number.NaN
    await writeFile(checkpoint, new Uint8Array(data.buffer))
    const controller = new AbortController()
    const onProgress = ({ step }: PackProgress) => step === 'pack' && controller.abort()
    const cancelled = openPacked(plan(LARGE), { cacheDirectory: cache, onProgress, signal: controller.signal })
    await expect(cancelled).rejects.toMatchObject({ code: 'request.cancelled' })
    await expect(openPacked(plan(LARGE), { cacheDirectory: cache })).rejects.toMatchObject({
      code: 'weights.invalid',
      detail: 'w: expected numbers, found an infinity or NaN.',
    })
    expect(await readdir(join(cache, 'weights'))).toEqual([])
  })
})

describe('defaultCacheDirectory', () => {
  it.each([
    [{ LOUPE_CACHE: '/own', XDG_CACHE_HOME: '/xdg' }, /^\/own$/],
    [{ LOUPE_CACHE: '', XDG_CACHE_HOME: '/xdg' }, /^\/xdg\/loupe$/],
    [{ XDG_CACHE_HOME: 'relative' }, /^\/.*\/\.cache\/loupe$/],
    [{}, /^\/.*\/\.cache\/loupe$/],
  ])('of %j', (env, expected) => {
    expect(defaultCacheDirectory(env)).toMatch(expected)
  })
})
