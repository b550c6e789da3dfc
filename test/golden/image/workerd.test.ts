import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { FuzzTarget } from '../../fuzz/target.ts'
import { workerdTarget } from '../../fuzz/workerd-target.ts'
import { avifPipeline } from '../../support/image-pipelines.ts'
import golden from './images.json' with { type: 'json' }
import variants from './variants/variants.json' with { type: 'json' }

const open = (path: string) => readFile(fileURLToPath(new URL(path, import.meta.url)))

/** Every photograph, and a few of the variants: what decodes them is compiled from the same files. */
const VARIANTS = [
  'interlaced.gif',
  'offset-transparent.gif',
  'animated.gif',
  'animated-lossy-alpha.webp',
  'exif-5.webp',
  '410-progressive.jpg',
  'ycck.jpg',
  'exif-6.png',
  'rgb-16-interlaced.png',
]
const EXACT = [
  ...golden.rows.map(({ file, patches_sha256: digest }) => ({ file: `input/${file}`, digest })),
  ...variants.rows
    .filter(({ file }) => VARIANTS.includes(file))
    .map(({ file, patches_sha256: digest }) => ({ file: `variants/${file}`, digest })),
]
const AVIF = ['variants/420.avif', 'variants/exif-5.avif']

describe('the public API in workerd', () => {
  it('has files to look at', () => expect(EXACT).toHaveLength(golden.rows.length + VARIANTS.length))

  let workerd: FuzzTarget | undefined
  beforeAll(async () => {
    workerd = await workerdTarget()
  })
  afterAll(() => workerd?.close())

  it.each(EXACT)('sees $file as Pillow does', async ({ file, digest }) => {
    expect(await workerd?.look(await open(file))).toEqual({ kind: 'picture', digest })
  })

  it.each(AVIF)('sees %s as Node does', async (file) => {
    const bytes = await open(file)
    const digest = Buffer.from((await avifPipeline.preprocess(bytes)).digest).toString('hex')
    expect(await workerd?.look(bytes)).toEqual({ kind: 'picture', digest })
  })
})
