import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { planPacking } from './pack-plan.ts'
import { openPacked } from './weight-cache.ts'

/** Enough that a process can be caught at work, and no more. */
const SHAPE = [12_288, 1024] as const
const BYTES = 4 * SHAPE[0] * SHAPE[1]

let root: string
let checkpoint: string
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'loupe-processes-'))
  checkpoint = join(root, 'checkpoint')
  await writeFile(checkpoint, new Uint8Array(new Float32Array(BYTES / 4).fill(0.5).buffer))
})
afterAll(() => rm(root, { recursive: true }))

function plan() {
  const source = { name: 'w', dtype: 'F32', shape: SHAPE, path: checkpoint, offset: 0, bytes: BYTES } as const
  const form = { kind: 'quantized', bits: 4, blockSize: 32 } as const
  return planPacking('vision', new Map([['w', { source: { ...source, isStoredPlusOne: false }, form }]]))
}

/** A process that packs the same plan. Prints `packing` when it has begun, and the folder in the end. */
function startProcess(cache: string): ChildProcess {
  const script = `
    import { planPacking } from './pack-plan.ts'
    import { openPacked } from './weight-cache.ts'
    const [path, cacheDirectory] = ${JSON.stringify([checkpoint, cache])}
    const shape = ${JSON.stringify(SHAPE)}
    const source = { name: 'w', dtype: 'F32', shape, path, offset: 0, bytes: ${BYTES}, isStoredPlusOne: false }
    const form = { kind: 'quantized', bits: 4, blockSize: 32 }
    const plan = planPacking('vision', new Map([['w', { source, form }]]))
    const onProgress = ({ step, doneBytes, totalBytes }) => step === 'pack' && doneBytes < totalBytes && console.log('packing')
    console.log(await openPacked(plan, { cacheDirectory, onProgress }))`
  return spawn(process.execPath, ['--input-type=module-typescript', '--eval', script], {
    cwd: import.meta.dirname,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
}

async function outputOf(child: ChildProcess): Promise<string> {
  let text = ''
  child.stdout?.setEncoding('utf8').on('data', (piece: string) => {
    text += piece
  })
  const [status] = await once(child, 'close')
  expect(status).toBe(0)
  return text.trim().split('\n').at(-1) ?? ''
}

it('lets processes pack the same at once', async () => {
  const cache = join(root, 'shared')
  const folders = await Promise.all([outputOf(startProcess(cache)), outputOf(startProcess(cache))])
  const folder = await openPacked(plan(), {
    cacheDirectory: cache,
    onProgress: ({ step }) => expect(step).toBe('read'),
  })
  expect(folders).toEqual([folder, folder])
  expect(await readdir(join(cache, 'weights'))).toHaveLength(1)
})

it('does not take for packed what a process was killed over', async () => {
  const cache = join(root, 'killed')
  const child = startProcess(cache)
  if (child.stdout !== null) await once(child.stdout, 'data')
  child.kill('SIGKILL')
  await once(child, 'close')
  const [draft = '', ...others] = await readdir(join(cache, 'weights'))
  expect(draft).toMatch(/^new-/)
  expect(others).toEqual([])
  const folder = await openPacked(plan(), { cacheDirectory: cache })
  expect((await readdir(join(cache, 'weights'))).map((name) => join(cache, 'weights', name))).toContain(folder)
})
