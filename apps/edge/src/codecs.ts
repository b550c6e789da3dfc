import jpeg from '@cwasm/jpeg-turbo/jpeg-turbo.wasm'
import webp from '@cwasm/webp/webp.wasm'
import type { ImageCodecs } from '@loupe/shared/image'
import png from '@loupe/shared/image/png-simd.wasm'
import resize from '@loupe/shared/image/resize-simd.wasm'

/** The codecs of the Worker, compiled when it was deployed. A file of its own, so that what measures them has the same. */
export const codecs: ImageCodecs = { jpeg, webp, png, resize }
