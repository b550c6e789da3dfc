import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import golden from '../golden/image/images.json' with { type: 'json' }
import variants from '../golden/image/variants/variants.json' with { type: 'json' }
import { CHROMIUM, startChromium } from './support/chromium.ts'

const require = createRequire(import.meta.url)
const open = (path: string) => readFile(fileURLToPath(new URL(`../golden/image/${path}`, import.meta.url)))

const VARIANTS = [
  'interlaced.gif',
  'animated-lossy-alpha.webp',
  'exif-5.webp',
  '410-progressive.jpg',
  'ycck.jpg',
  'exif-6.png',
]
const FILES = [
  ...golden.rows.map((row) => ({ ...row, file: `input/${row.file}` })),
  ...variants.rows
    .filter(({ file }) => VARIANTS.includes(file))
    .map((row) => ({ ...row, file: `variants/${row.file}` })),
].map(({ file, patches_sha256: digest }) => ({ file, digest }))

/** Where a browser may use `crypto.subtle`; nothing listens there, the test answers. */
const ORIGIN = 'http://localhost:1'
const WASM = {
  jpeg: '@cwasm/jpeg-turbo/jpeg-turbo.wasm',
  webp: '@cwasm/webp/webp.wasm',
  resize: '@loupe/shared/image/resize-simd.wasm',
  png: '@loupe/shared/image/png-simd.wasm',
} as const
const ENTRY = `
import { compileWasm, createImagePipeline } from '@loupe/shared/image'
const load = async (name) => compileWasm(new Uint8Array(await (await fetch('/' + name + '.wasm')).arrayBuffer()))
const [jpeg, webp, resize, png] = await Promise.all(['jpeg', 'webp', 'resize', 'png'].map(load))
const pipeline = createImagePipeline({ jpeg, webp, resize, png })
window.digestOf = async (base64) => {
  const { digest } = await pipeline.preprocess(Uint8Array.from(atob(base64), (sign) => sign.charCodeAt(0)))
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
document.title = 'ready'
`

// It needs a real browser, which a machine with only Node has not.
describe.skipIf(CHROMIUM === undefined)('the pipeline of pictures in Chromium', () => {
  let browser: Browser | undefined
  let page: Page | undefined
  beforeAll(async () => {
    const script = await bundle()
    browser = await startChromium()
    page = await browser.newPage()
    await page.route(`${ORIGIN}/**`, async (route) => {
      const name = new URL(route.request().url()).pathname.slice(1)
      if (name === 'page.js') return route.fulfill({ contentType: 'text/javascript', body: script })
      const wasm = Object.entries(WASM).find(([key]) => name === `${key}.wasm`)
      if (wasm !== undefined) return route.fulfill({ body: await readFile(require.resolve(wasm[1])) })
      return route.fulfill({ contentType: 'text/html', body: '<script type="module" src="/page.js"></script>' })
    })
    await page.goto(`${ORIGIN}/`)
    await page.waitForFunction("document.title === 'ready'")
  })
  afterAll(() => browser?.close())

  it('has files to look at', () => expect(FILES).toHaveLength(golden.rows.length + VARIANTS.length))

  it.each(FILES)('sees $file as Pillow does', async ({ file, digest }) => {
    const base64 = (await open(file)).toString('base64')
    expect(await page?.evaluate(`window.digestOf(${JSON.stringify(base64)})`)).toBe(digest)
  })
})

/** By the bundler that wrangler brings. */
async function bundle(): Promise<Buffer> {
  const folder = await mkdtemp(join(tmpdir(), 'loupe-browser-'))
  try {
    const entry = join(folder, 'entry.mjs')
    const outfile = join(folder, 'page.js')
    await writeFile(entry, ENTRY)
    const wrangler = require.resolve('wrangler/package.json')
    const esbuild = join(dirname(createRequire(wrangler).resolve('esbuild/package.json')), 'bin/esbuild')
    const modules = fileURLToPath(new URL('../../node_modules', import.meta.url))
    const options = ['--bundle', '--platform=browser', '--format=esm', `--outfile=${outfile}`, entry]
    await promisify(execFile)(esbuild, options, { env: { ...process.env, NODE_PATH: modules } })
    return await readFile(outfile)
  } finally {
    await rm(folder, { recursive: true })
  }
}
