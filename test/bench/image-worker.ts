/**
 * The Worker in which `images.ts` measures: the picture pipeline with the codecs of the edge, and photon beside it.
 *
 * `POST /loupe` or `/photon` with a file gives the RGB pixels `[896, 896, 3]`, and an {@link ImageRun} in a header.
 */
import { initPhoton, PhotonImage, resize, SamplingFilter } from '@cf-wasm/photon/others'
import photonModule from '@cf-wasm/photon/photon.wasm'
import { codecs } from '@loupe/edge/src/codecs.ts'
import { createImagePipeline, fromPatches, IMAGE_SIDE } from '@loupe/shared/image'
import { watchWasm } from './image-wasm-watch.ts'

/** What one run took. */
export interface ImageRun {
  readonly ms: number
  /** Milliseconds in each function of WebAssembly that took more than a tenth of one. */
  readonly inside: Readonly<Record<string, number>>
  /** Of the WebAssembly memories that were used. */
  readonly wasmBytes: number
}

const takeWork = watchWasm()
const pipeline = createImagePipeline(codecs)
let isPhotonReady = false

/** As the edge does it: memory that a large picture needed is given back after it. */
async function byLoupe(bytes: Uint8Array): Promise<() => Uint8Array> {
  const { patches } = await pipeline.preprocess(bytes)
  pipeline.trim()
  return () => fromPatches(patches)
}

function byPhoton(bytes: Uint8Array): () => Uint8Array {
  if (!isPhotonReady) initPhoton.sync({ module: photonModule })
  isPhotonReady = true
  const whole = PhotonImage.new_from_byteslice(bytes)
  const small = resize(whole, IMAGE_SIDE, IMAGE_SIDE, SamplingFilter.Triangle)
  const rgba = small.get_raw_pixels()
  whole.free()
  small.free()
  return () => rgba.filter((_, at) => at % 4 !== 3)
}

// biome-ignore lint/style/noDefaultExport: this is what a Worker is
export default {
  async fetch(request: Request): Promise<Response> {
    const make = new URL(request.url).pathname === '/photon' ? byPhoton : byLoupe
    const bytes = new Uint8Array(await request.arrayBuffer())
    takeWork()
    const startMs = performance.now()
    try {
      const pixels = await make(bytes)
      const ms = performance.now() - startMs
      const { ms: inside, heldBytes } = takeWork()
      const run: ImageRun = {
        ms,
        inside: Object.fromEntries([...inside].filter(([, spent]) => spent > 0.1)),
        wasmBytes: heldBytes,
      }
      return new Response(Buffer.from(pixels()), { headers: { 'x-run': JSON.stringify(run) } })
    } catch (error) {
      return new Response(String(error), { status: 422 })
    }
  },
}
