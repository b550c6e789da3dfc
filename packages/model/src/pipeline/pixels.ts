import { AppError } from '@loupe/shared/errors'
import type { VisionConfig } from '../gemma3/config.ts'
import { patchGeometry } from '../gemma3/vision.ts'

/**
 * Pictures, one behind the other, in one of two forms:
 *
 * - uint8 `[n·p·y·x·channel]`: patches row by row, channels fastest, 4,096 of 14 × 14 × 3 bytes in the released models,
 *   as `@loupe/shared/image` makes them
 * - float32 `[n·channel·S·S]`, S = 896 in the released models: `(v/255 - 0.5) / 0.5`, as the processors of
 *   Transformers and Megatron-Bridge give `pixel_values`
 */
export type Pixels = Uint8Array | Float32Array

/**
 * How many pictures there are.
 *
 * @throws AppError `tensor.invalid` when it is not a whole number of them, or none
 */
export function countPictures(pixels: Pixels, vision: VisionConfig): number {
  const { patchCount, patchSamples } = patchGeometry(vision)
  const count = pixels.length / (patchCount * patchSamples)
  if (Number.isInteger(count) && count > 0) return count
  const { channels, imageSize } = vision
  const isPatches = pixels instanceof Uint8Array
  const one = isPatches ? `${patchCount} × ${patchSamples} bytes` : `${channels} × ${imageSize} × ${imageSize} numbers`
  throw new AppError('tensor.invalid', `pixels: expected whole pictures of ${one}, found ${pixels.length}.`)
}

/**
 * Cuts pictures apart and brings them to what the tower reads.
 *
 * @returns patches of each picture, `[p·y·x·channel]` float32 from -1 to 1
 * @throws AppError `tensor.invalid` as {@link countPictures}
 */
export function* patchesOf(pixels: Pixels, vision: VisionConfig): Generator<Float32Array> {
  const size = pixels.length / countPictures(pixels, vision)
  for (let start = 0; start < pixels.length; start += size) {
    const picture = pixels.subarray(start, start + size)
    yield picture instanceof Uint8Array ? normalised(picture) : cutIntoPatches(picture, vision)
  }
}

/** Of every byte, each step rounded to float32 as the reference rounds it. */
const NORMALISED = Float32Array.from({ length: 256 }, (_, byte) => {
  const unit = Math.fround(byte / 255)
  return Math.fround(unit - 0.5) / 0.5
})

function normalised(patches: Uint8Array): Float32Array {
  const numbers = new Float32Array(patches.length)
  for (let i = 0; i < patches.length; i++) numbers[i] = NORMALISED[patches[i] as number] as number // a byte has 256 values
  return numbers
}

/** From `[channel·S·S]` to patches row by row, channels fastest. */
function cutIntoPatches(picture: Float32Array, { imageSize: side, patchSize, channels }: VisionConfig): Float32Array {
  const patches = new Float32Array(picture.length)
  let to = 0
  for (let top = 0; top < side; top += patchSize) {
    for (let left = 0; left < side; left += patchSize) {
      for (let y = top; y < top + patchSize; y++) {
        for (let x = left; x < left + patchSize; x++) {
          for (let c = 0; c < channels; c++) patches[to++] = picture[(c * side + y) * side + x] as number // inside of it
        }
      }
    }
  }
  return patches
}
