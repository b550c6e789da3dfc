import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readPanAndScan } from './read-pan-and-scan.ts'

const EMBEDDED = fileURLToPath(new URL('../../../../packages/model/assets/loupe-tiny', import.meta.url))

describe('readPanAndScan', () => {
  let directory: string
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'loupe-'))
  })
  afterAll(() => rm(directory, { recursive: true, force: true }))

  it('is off for the embedded model, as for the released ones, and where nothing is said', async () => {
    expect(await readPanAndScan(EMBEDDED)).toBe(false)
    expect(await readPanAndScan(directory)).toBe(false)
  })

  it.each([
    ['{}', false],
    ['{"do_pan_and_scan":null}', false],
    ['{"do_pan_and_scan":true}', true],
    ['{"do_pan_and_scan":true,"pan_and_scan_max_num_crops":4,"pan_and_scan_min_ratio_to_activate":1.2}', true],
  ])('reads %s as %s', async (text, expected) => {
    await writeFile(join(directory, 'preprocessor_config.json'), text)
    expect(await readPanAndScan(directory)).toBe(expected)
  })

  it.each([
    ['no JSON', '{'],
    ['a flag that is none', '{"do_pan_and_scan":1}'],
    ['other crops', '{"pan_and_scan_min_crop_size":128}'],
  ])('refuses %s', async (_, text) => {
    await writeFile(join(directory, 'preprocessor_config.json'), text)
    await expect(readPanAndScan(directory)).rejects.toMatchObject({ code: 'config.invalid' })
  })
})
