import { createDecoder, decodedPixelBytes, type ImageCodecs } from './decoder.ts'
import { type ImageHeader, readImageHeader } from './image-header.ts'
import { type ImageLimits, LIMITS } from './limits.ts'
import { type Box, type Orientation, storedBox, uprightSize } from './orientation.ts'
import { panAndScanBoxes } from './pan-and-scan.ts'
import { patchesDigest, toPatches } from './patches.ts'
import { type ResizeKernel, scalarKernel, simdKernel } from './resize-kernel.ts'
import { createRowResizer, kernelArena, type RowResizer } from './resizer.ts'
import type { ImageFormat } from './sniff.ts'

/** Settings of one call. */
export interface PreprocessOptions {
  /** Replaces single limits. */
  readonly limits?: Partial<ImageLimits>
  /** Also cut an elongated picture into crops. Default false. */
  readonly panAndScan?: boolean
}

/** A picture as the model takes it. */
export interface PicturePatches {
  /** `[4096, 588]` uint8: patch `row * 64 + col`, inside it `(y * 14 + x) * 3 + channel`. */
  readonly patches: Uint8Array<ArrayBuffer>
  /** SHA-256 of `patches`, 32 bytes. */
  readonly digest: Uint8Array<ArrayBuffer>
}

/** One crop of pan and scan. */
export interface PictureCrop extends PicturePatches {
  /** In the upright picture. */
  readonly box: Box
}

/** What became of a file. */
export interface PreprocessedPicture extends PicturePatches {
  /** Told from its first bytes, whatever its name or type says. */
  readonly format: ImageFormat
  /** Of the upright picture, pixels. */
  readonly width: number
  /** Of the upright picture, pixels. */
  readonly height: number
  /** Those of pan and scan; none unless asked for, and none of a picture that is not elongated. */
  readonly crops: readonly PictureCrop[]
}

/** What the header of a file says. */
export interface MeasuredPicture {
  /** Told from its first bytes, whatever its name or type says. */
  readonly format: ImageFormat
  /** Of the upright picture, pixels. */
  readonly width: number
  /** Of the upright picture, pixels. */
  readonly height: number
  /** What pan and scan would cut out of it; none unless asked for. */
  readonly boxes: readonly Box[]
}

/** Turns files into patches. Holds the codec instances; one pipeline serves a whole process or isolate. */
export interface ImagePipeline {
  /**
   * Header check, decode, EXIF orientation, RGB, Pillow-exact resize to 896x896, patches, digest.
   *
   * @param bytes - a JPEG, PNG, WebP, GIF or AVIF file; of an animation the first frame counts
   * @throws AppError `image.empty`, `image.malformed`, `image.unsupported`, `image.too_large`
   */
  preprocess(bytes: Uint8Array, options?: PreprocessOptions): Promise<PreprocessedPicture>
  /**
   * The header check of {@link preprocess} alone: no decoder sees a byte, and damage behind the header is not found.
   *
   * @throws AppError `image.empty`, `image.malformed`, `image.unsupported`, `image.too_large`
   */
  measure(bytes: Uint8Array, options?: PreprocessOptions): MeasuredPicture
  /** Bytes of memory that the codecs hold now. */
  readonly heldBytes: number
  /** Lets go of what large pictures have left there. For the end of a run of pictures: inside one, memory is reused. */
  trim(): void
}

/** Kernels kept for reuse. More are in use only while several PNG files stream at once. */
const IDLE_KERNELS = 2

/** Makes a pipeline. @param codecs - compiled modules; instances are made when first needed */
export function createImagePipeline(codecs: ImageCodecs): ImagePipeline {
  const decoder = createDecoder(codecs)
  const { resize } = codecs
  const kernels = kernelPool(() => (resize === undefined ? scalarKernel() : simdKernel(resize)))
  const readHeader = (bytes: Uint8Array, limits: ImageLimits) => readImageHeader(bytes, limits, decoder.decodes)
  return {
    async preprocess(bytes, options = {}) {
      const limits = { ...LIMITS, ...options.limits }
      const header = readHeader(bytes, limits)
      const { format, width, height, boxes } = measured(header, options)
      const kernel = kernels.take()
      try {
        const arena = kernelArena(kernel)
        const job = { orientation: header.orientation, pixelBytes: decodedPixelBytes(format) }
        const resizer = (box: Box) => createRowResizer(arena, { ...job, box: decodedBox(box, header) })
        const whole = resizer([0, 0, width, height])
        const parts = boxes.map((box) => ({ box, part: resizer(box) }))
        await decoder.decode({ header, bytes, limits }, (row) => {
          whole.push(row)
          for (const { part } of parts) part.push(row)
        })
        const finish = ({ pixels }: RowResizer) => finishPicture(pixels, header.orientation)
        const crops = await Promise.all(parts.map(async ({ box, part }) => ({ box, ...(await finish(part)) })))
        return { format, width, height, ...(await finish(whole)), crops }
      } finally {
        kernels.giveBack(kernel)
      }
    },
    measure: (bytes, options = {}) => measured(readHeader(bytes, { ...LIMITS, ...options.limits }), options),
    get heldBytes() {
      return decoder.heldBytes
    },
    trim: decoder.trim,
  }
}

function measured(header: ImageHeader, { panAndScan = false }: PreprocessOptions): MeasuredPicture {
  const size = uprightSize(header, header.orientation)
  return { format: header.format, ...size, boxes: panAndScan ? panAndScanBoxes(size) : [] }
}

/** A box of the upright picture, in the pixels that the decoder delivers. Exact unless a JPEG is decoded smaller. */
function decodedBox(box: Box, header: ImageHeader): Box {
  const [x0, y0, x1, y1] = storedBox(box, header, header.orientation)
  if (header.format !== 'jpeg') return [x0, y0, x1, y1]
  const { width, height } = header.decoded
  const x = width / header.width
  const y = height / header.height
  return [Math.floor(x0 * x), Math.floor(y0 * y), Math.ceil(x1 * x), Math.ceil(y1 * y)]
}

async function finishPicture(pixels: Uint8Array, orientation: Orientation): Promise<PicturePatches> {
  const patches = toPatches(pixels, orientation)
  return { patches, digest: await patchesDigest(patches) }
}

/**
 * Kernels are pooled rather than guarded by a lock: on workerd a request must not wait for another one, which may be
 * cancelled together with all that it would still have done.
 */
function kernelPool(create: () => ResizeKernel): { take(): ResizeKernel; giveBack(kernel: ResizeKernel): void } {
  const idle: ResizeKernel[] = []
  return {
    take: () => idle.pop() ?? create(),
    giveBack(kernel) {
      if (idle.length < IDLE_KERNELS) idle.push(kernel)
    },
  }
}
