/**
 * Pictures: from a stranger's file to the patches of the model, equal to Pillow in every byte wherever Pillow's own
 * decoder (libjpeg-turbo, libwebp, zlib) is the reference. Runs unchanged in a browser, on workerd and on Node.
 *
 * The codecs are WebAssembly modules and are passed in compiled, because every host loads them its own way:
 *
 * - workerd and bundlers for it: `import jpeg from '@cwasm/jpeg-turbo/jpeg-turbo.wasm'`,
 *   `import webp from '@cwasm/webp/webp.wasm'`, and where AVIF is wanted
 *   `import avif from '@jsquash/avif/codec/dec/avif_dec.wasm'`; our own kernels are
 *   `@loupe/shared/image/png-simd.wasm` and `@loupe/shared/image/resize-simd.wasm`. None of the codecs' packages has an
 *   `exports` map, so their files are importable by path; all are dependencies of this package and hoisted by npm. Only
 *   the `.wasm` may be imported: their JavaScript reads files through `node:fs`.
 * - Node: read the file that `require.resolve('@cwasm/jpeg-turbo/jpeg-turbo.wasm')` names and give it to
 *   {@link compileWasm}.
 * - A browser: fetch the file and give its bytes to {@link compileWasm}.
 *
 * @module
 */
export type { ImageCodecs } from './decoder.ts'
export { type ImageLimits, LIMITS, MEMORY_BUDGET } from './limits.ts'
export type { Box, Size } from './orientation.ts'
export { fromPatches, PATCHES_BYTES, patchesDigest } from './patches.ts'
export {
  createImagePipeline,
  type ImagePipeline,
  type MeasuredPicture,
  type PictureCrop,
  type PicturePatches,
  type PreprocessedPicture,
  type PreprocessOptions,
} from './pipeline.ts'
export { encodePng } from './png-encode.ts'
export { IMAGE_SIDE } from './resizer.ts'
export type { ImageFormat } from './sniff.ts'
export { compileWasm, type WasmModule } from './wasm-module.ts'
