import type { AppError } from '@loupe/shared/errors'
import { fromPatches } from '@loupe/shared/image'
import type { PillowPicture } from './pillow-process.ts'
import { type PixelDifference, pixelDifference, shownDifference } from './pixel-difference.ts'

/** What our pipeline made of a file. */
export interface OurPicture {
  readonly format: string
  readonly width: number
  readonly height: number
  /** `[4096, 588]` */
  readonly patches: Uint8Array
  readonly ms: number
}

/** A file on both sides. */
export interface Compared {
  readonly format: string
  /** Of the upright picture, or both sizes where they differ. */
  readonly size: string
  /** Largest and mean difference, or that there is none. */
  readonly pixels: string
  /** Why a side refuses the file; empty where it does not. */
  readonly ours: string
  readonly pillow: string
  /** Our time over Pillow's. */
  readonly ratio: number | undefined
  readonly outcome: 'equal' | 'within the bound' | 'different' | 'both refuse' | 'we refuse' | 'Pillow refuses'
  readonly isExpected: boolean
}

/** What a decode may take before a JPEG is decoded at a smaller scale. */
const FULL_SCALE_BYTES = 64 * 2 ** 20
/** Levels that a JPEG decoded at a smaller scale may differ by: half the scale was measured to give 9. */
const SCALED_LEVELS = 16
/** Levels of AVIF, whose decoder turns YUV to RGB in other arithmetic. */
const AVIF_LEVELS = 6
/** Of 16-bit grey in PNG we take the upper 8 bits, while Pillow clips to white at 256. */
const ANY_LEVELS = 255
/** Faults that say what we do not offer; all others say that a file is damaged. */
const BY_DESIGN: readonly string[] = ['image.unsupported', 'image.too_large']

/** Compares what both sides made of one file. @param file - its bytes */
export function comparePictures(
  file: Uint8Array,
  ours: OurPicture | AppError,
  pillow: PillowPicture | { readonly error: string },
): Compared {
  if ('code' in ours) return oneRefuses(ours, pillow)
  const size = `${ours.width}x${ours.height}`
  const none = { format: ours.format, size, pixels: '', ours: '', ratio: undefined }
  if ('error' in pillow) return { ...none, pillow: pillow.error, outcome: 'Pillow refuses', isExpected: true }
  const theirs = `${pillow.width}x${pillow.height}`
  const difference = pixelDifference(fromPatches(ours.patches), pillow.rgb)
  const outcome = size === theirs ? outcomeOf(difference, boundOf(ours, file)) : 'different'
  return {
    ...none,
    size: size === theirs ? size : `${size}, Pillow ${theirs}`,
    pixels: shownDifference(difference),
    pillow: '',
    ratio: ours.ms / (pillow.ms[pillow.ms.length >> 1] ?? Number.NaN),
    outcome,
    isExpected: outcome !== 'different',
  }
}

function oneRefuses(ours: AppError, pillow: PillowPicture | { readonly error: string }): Compared {
  const refused = { pixels: '', ours: `${ours.code}: ${ours.detail}`, ratio: undefined }
  if ('error' in pillow) {
    return { ...refused, format: '-', size: '', pillow: pillow.error, outcome: 'both refuse', isExpected: true }
  }
  return {
    ...refused,
    format: pillow.format.toLowerCase(),
    size: `${pillow.width}x${pillow.height}`,
    pillow: '',
    outcome: 'we refuse',
    isExpected: BY_DESIGN.includes(ours.code),
  }
}

function outcomeOf({ most }: PixelDifference, bound: number): 'equal' | 'within the bound' | 'different' {
  if (most === 0) return 'equal'
  return most <= bound ? 'within the bound' : 'different'
}

function boundOf({ format, width, height }: OurPicture, file: Uint8Array): number {
  if (format === 'avif') return AVIF_LEVELS
  // Depth and colour type of the header.
  if (format === 'png' && file[24] === 16 && file[25] === 0) return ANY_LEVELS
  // Coefficients of a progressive file count as well: 2 bytes for each of at most three samples a pixel.
  const mayBeScaled = format === 'jpeg' && width * height * 9 + file.length > FULL_SCALE_BYTES
  return mayBeScaled ? SCALED_LEVELS : 0
}
