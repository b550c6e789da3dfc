import type { Box, Size } from './orientation.ts'

/** Settings of the reference processor. A crop's shorter side has at least this many pixels. */
const MIN_CROP_PIXELS = 256
const MAX_CROPS = 4
/** Pictures less elongated than this are not cropped. */
const MIN_RATIO = 1.2

/**
 * The crops that show an elongated picture in pieces: one row of them, or one column.
 *
 * @param size - of the upright picture
 * @returns boxes in reading order; the last may be narrower. Empty when the picture is not elongated or too small.
 * @see `pan_and_scan` of the Gemma 3 image processor in Transformers
 */
export function panAndScanBoxes({ width, height }: Size): Box[] {
  const long = Math.max(width, height)
  const short = Math.min(width, height)
  if (long / short < MIN_RATIO) return []
  const wanted = Math.min(Math.floor(long / short + 0.5), Math.floor(long / MIN_CROP_PIXELS))
  const crops = Math.min(MAX_CROPS, Math.max(2, wanted))
  const step = Math.ceil(long / crops)
  if (Math.min(step, short) < MIN_CROP_PIXELS) return []
  return Array.from({ length: crops }, (_, i): Box => {
    const from = i * step
    const to = Math.min(from + step, long)
    return width >= height ? [from, 0, to, height] : [0, from, width, to]
  })
}
