import type { Orientation } from './orientation.ts'
import { IMAGE_SIDE } from './resizer.ts'

/** Pixels along each side of a patch. */
const PATCH_SIDE = 14
/** Patches along each side of a picture. */
const GRID_SIDE = IMAGE_SIDE / PATCH_SIDE
const PATCH_BYTES = PATCH_SIDE * PATCH_SIDE * 3
/** Bytes of one picture as patches, `[4096, 588]`. */
export const PATCHES_BYTES = GRID_SIDE * GRID_SIDE * PATCH_BYTES

/**
 * Turns the resized picture upright and cuts it into patches.
 *
 * @param pixels - RGB, `[896, 896, 3]` uint8, in stored orientation
 * @returns `[4096, 588]` uint8: patch `row * 64 + col`, inside it `(y * 14 + x) * 3 + channel`
 */
export function toPatches(pixels: Uint8Array, orientation: Orientation): Uint8Array<ArrayBuffer> {
  const { origin, stepX, stepY } = walk(orientation)
  const patches = new Uint8Array(PATCHES_BYTES)
  let to = 0
  for (let patch = 0; patch < GRID_SIDE * GRID_SIDE; patch++) {
    const x0 = (patch % GRID_SIDE) * PATCH_SIDE
    const y0 = Math.floor(patch / GRID_SIDE) * PATCH_SIDE
    for (let y = y0; y < y0 + PATCH_SIDE; y++) {
      let from = origin + y * stepY + x0 * stepX
      for (let x = 0; x < PATCH_SIDE; x++, from += stepX, to += 3) {
        patches[to] = pixels[from] ?? 0
        patches[to + 1] = pixels[from + 1] ?? 0
        patches[to + 2] = pixels[from + 2] ?? 0
      }
    }
  }
  return patches
}

/** Where upright pixel (0, 0) stands in the stored picture, and the way to its right and lower neighbour, in bytes. */
function walk({ transpose, flipX, flipY }: Orientation): { origin: number; stepX: number; stepY: number } {
  const last = IMAGE_SIDE - 1
  const alongX = flipX ? -3 : 3
  const alongY = (flipY ? -3 : 3) * IMAGE_SIDE
  const origin = (flipX ? last * 3 : 0) + (flipY ? last * 3 * IMAGE_SIDE : 0)
  return transpose ? { origin, stepX: alongY, stepY: alongX } : { origin, stepX: alongX, stepY: alongY }
}

/**
 * The picture that patches show: the inverse of the cut.
 *
 * @param patches - `[4096, 588]` uint8
 * @returns RGB, `[896, 896, 3]` uint8
 */
export function fromPatches(patches: Uint8Array): Uint8Array<ArrayBuffer> {
  const pixels = new Uint8Array(PATCHES_BYTES)
  const rowBytes = PATCH_SIDE * 3
  for (let row = 0; row * rowBytes < PATCHES_BYTES; row++) {
    const patch = Math.floor(row / PATCH_SIDE)
    const y = Math.floor(patch / GRID_SIDE) * PATCH_SIDE + (row % PATCH_SIDE)
    const x = (patch % GRID_SIDE) * PATCH_SIDE
    pixels.set(patches.subarray(row * rowBytes, (row + 1) * rowBytes), (y * IMAGE_SIDE + x) * 3)
  }
  return pixels
}

/** The name of a picture everywhere in Loupe: SHA-256 of its patch bytes, 32 bytes. */
export async function patchesDigest(patches: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', patches))
}
