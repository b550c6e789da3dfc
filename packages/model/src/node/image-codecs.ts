import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { compileWasm, type ImageCodecs } from '@loupe/shared/image'

/**
 * Reads and compiles the image codecs from `node_modules`.
 *
 * They are dependencies of `@loupe/shared`, so they are looked up from there and not from here.
 */
export async function loadImageCodecs(): Promise<Required<ImageCodecs>> {
  const { resolve } = createRequire(import.meta.resolve('@loupe/shared/image'))
  const compile = async (path: string) => compileWasm(await readFile(path))
  const [jpeg, webp, resize] = await Promise.all([
    compile(resolve('@cwasm/jpeg-turbo/jpeg-turbo.wasm')),
    compile(resolve('@cwasm/webp/webp.wasm')),
    compile(fileURLToPath(import.meta.resolve('@loupe/shared/image/resize-simd.wasm'))),
  ])
  return { jpeg, webp, resize }
}
