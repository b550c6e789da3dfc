import { fileURLToPath } from 'node:url'
import sharp from 'sharp'
import { createTestHarness } from 'wrangler'
import { z } from 'zod'

/** What one side made of a file. */
export interface SideRun {
  readonly ms: number
  /** `[896, 896, 3]` */
  readonly pixels: Uint8Array
  /** Of WebAssembly memory, where the side has any. */
  readonly wasmBytes?: number
  /** Milliseconds in functions of WebAssembly. */
  readonly inside?: Readonly<Record<string, number>>
}

/** One side: from the bytes of a file to pixels. A refusal is thrown. */
export type ImageSide = (bytes: Uint8Array) => Promise<SideRun>

/** The sides that run in workerd. */
export interface WorkerdSides extends AsyncDisposable {
  readonly loupe: ImageSide
  readonly photon: ImageSide
}

const Run = z.object({ ms: z.number(), inside: z.record(z.string(), z.number()), wasmBytes: z.number() })

/** Starts workerd with the Worker of the bench. */
export async function startWorkerdSides(): Promise<WorkerdSides> {
  // Nothing leaves the machine: no look-up of the place we are in.
  process.env['CLOUDFLARE_CF_FETCH_ENABLED'] = 'false'
  const server = createTestHarness({
    workers: [
      {
        config: {
          name: 'loupe-image-bench',
          main: fileURLToPath(new URL('image-worker.ts', import.meta.url)),
          compatibility_date: '2026-11-01',
        },
      },
    ],
  })
  await server.listen()
  const side =
    (path: string): ImageSide =>
    async (bytes) => {
      const response = await server.fetch(path, { method: 'POST', body: bytes })
      const body = new Uint8Array(await response.arrayBuffer())
      if (!response.ok) throw new Error(new TextDecoder().decode(body))
      return { pixels: body, ...Run.parse(JSON.parse(response.headers.get('x-run') ?? '')) }
    }
  return { loupe: side('/loupe'), photon: side('/photon'), [Symbol.asyncDispose]: () => server.close() }
}

/** sharp in this process: libvips, native, with one thread, as the others have. */
export function sharpSide(): ImageSide {
  sharp.concurrency(1)
  sharp.cache(false)
  return async (bytes) => {
    const startMs = performance.now()
    const upright = sharp(bytes, { limitInputPixels: false }).rotate().removeAlpha().toColourspace('srgb')
    const pixels = await upright.resize(896, 896, { fit: 'fill', kernel: 'linear' }).raw().toBuffer()
    return { ms: performance.now() - startMs, pixels }
  }
}
