import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { compileWasm, type ImageCodecs } from '@loupe/shared/image'

/**
 * Reads and compiles the image codecs from `node_modules`.
 *
 * They are dependencies of `@loupe/shared`, so they are looked up from there and not from here.
 *
 * @param options - `avif`: that of AVIF too, whose decoder needs far more time and memory for a pixel. Default false
 */
export async function loadImageCodecs(options: { readonly avif?: boolean } = {}): Promise<ImageCodecs> {
  const { resolve } = createRequire(import.meta.resolve('@loupe/shared/image'))
  const compile = async (path: string) => compileWasm(await readFile(path))
  const [jpeg, webp, png, resize] = await Promise.all([
    compile(resolve('@cwasm/jpeg-turbo/jpeg-turbo.wasm')),
    compile(resolve('@cwasm/webp/webp.wasm')),
    compile(fileURLToPath(import.meta.resolve('@loupe/shared/image/png-simd.wasm'))),
    compile(fileURLToPath(import.meta.resolve('@loupe/shared/image/resize-simd.wasm'))),
  ])
  if (options.avif !== true) return { jpeg, webp, png, resize }
  return { jpeg, webp, png, resize, avif: await compile(resolve('@jsquash/avif/codec/dec/avif_dec.wasm')) }
}
