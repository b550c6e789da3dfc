import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { PackForm } from '../weights/packing.ts'
import { quantizeColumns } from '../weights/quantize-columns.ts'
import { decodeSafetensors } from '../weights/safetensors.ts'
import { planPacking } from './pack-plan.ts'
import { openPacked, PACKED_FILE } from './weight-cache.ts'

const SHAPE = [5000, 1024] as const // more than a task or a piece of rows holds

let root: string
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'loupe-columns-'))
})
afterAll(() => rm(root, { recursive: true }))

it('packs a matrix that becomes columns whole, in a folder of its own beside the same one in blocks', async () => {
  const weights = Float32Array.from({ length: SHAPE[0] * SHAPE[1] }, (_, i) => ((i * 7919) % 10_007) / 5003 - 1)
  const path = join(root, 'checkpoint')
  await writeFile(path, new Uint8Array(weights.buffer))
  const packed = (form: PackForm) => {
    const source = { name: 'w', dtype: 'F32', shape: SHAPE, path, offset: 0, isStoredPlusOne: false } as const
    const weight = { source: { ...source, bytes: weights.byteLength }, form }
    return openPacked(planPacking('vision', new Map([['w', weight]])), { cacheDirectory: join(root, 'cache') })
  }
  const folder = await packed({ kind: 'columns' })
  expect(folder).not.toBe(await packed({ kind: 'quantized', bits: 8, blockSize: 32 }))

  const found = decodeSafetensors(await readFile(join(folder, PACKED_FILE)))
  const { quants, scales } = quantizeColumns(weights, ...SHAPE) ?? expect.fail('every weight is a number')
  expect(found.get('w.columns')).toMatchObject({ dtype: 'I8', shape: [1024, 5000] })
  expect(found.get('w.scales')).toMatchObject({ dtype: 'F32', shape: [5000] })
  expect(Buffer.compare(found.get('w.columns')?.data ?? new Uint8Array(), new Uint8Array(quants.buffer))).toBe(0)
  expect(Buffer.compare(found.get('w.scales')?.data ?? new Uint8Array(), new Uint8Array(scales.buffer))).toBe(0)
})
