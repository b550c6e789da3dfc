/** Renders the pictures that train and test the embedded model: the one generator for training, evaluation and examples. */

import { type Colour, drawFacts, type PictureFacts, type PlacedObject, pictureSide, type Shape } from './layout.ts'
import { createRandom, type Random } from './random.ts'

type Rgb = readonly [number, number, number]

/** Side of the square of pixels that becomes one image token. */
export const cellSide = 56
const cellsPerSide = pictureSide / cellSide

export interface Picture {
  /** Interleaved RGB bytes, row by row: `[896, 896, 3]`. */
  readonly pixels: Uint8Array
  readonly facts: PictureFacts
  /** Share of each image token's square that an object covers, 0 to 1: `[16, 16]`. */
  readonly coverage: Float32Array
}

/** Three anchors per colour; a picture takes a random blend, so that a hand-picked "blue" is also blue. */
const palette: Readonly<Record<Colour, readonly [Rgb, Rgb, Rgb]>> = {
  red: [
    [255, 0, 0],
    [205, 25, 30],
    [228, 60, 50],
  ],
  green: [
    [0, 128, 0],
    [40, 175, 70],
    [30, 210, 40],
  ],
  blue: [
    [0, 0, 255],
    [35, 70, 200],
    [60, 110, 235],
  ],
  yellow: [
    [255, 255, 0],
    [240, 208, 30],
    [250, 225, 70],
  ],
  purple: [
    [128, 0, 128],
    [150, 60, 190],
    [110, 40, 170],
  ],
  orange: [
    [255, 165, 0],
    [240, 125, 20],
    [250, 145, 50],
  ],
  black: [
    [0, 0, 0],
    [25, 25, 28],
    [45, 42, 42],
  ],
  pink: [
    [255, 105, 180],
    [250, 140, 185],
    [255, 170, 200],
  ],
}

const backgrounds: readonly Rgb[] = [
  [255, 255, 255],
  [250, 250, 250],
  [235, 235, 235],
  [222, 224, 226],
  [208, 222, 238],
  [246, 241, 222],
  [226, 240, 226],
  [240, 228, 236],
]

/**
 * Draws one picture.
 *
 * @param seed the same seed gives the same bytes and the same facts
 * @param maxObjects upper end of the count, 1 to 5
 */
export function drawPicture(seed: number, maxObjects = 5): Picture {
  const random = createRandom(seed)
  const facts = drawFacts(random, maxObjects)
  const pixels = paintBackground(random)
  const coverage = new Float32Array(cellsPerSide * cellsPerSide)
  const base = blendColour(random, facts.colour)
  const isSmooth = random.chance(0.7)
  for (const object of facts.objects) {
    const distance = distanceTo(facts.shape, object)
    paintObject({ pixels, coverage }, object, { distance, colour: jitter(random, base, 6), isSmooth })
  }
  disturb(random, pixels)
  return { pixels, facts, coverage }
}

function paintBackground(random: Random): Uint8Array {
  const [red, green, blue] = jitter(random, random.pick(backgrounds), 5)
  const slope = random.chance(0.3) ? random.between(-14, 14) : 0
  const pixels = new Uint8Array(pictureSide * pictureSide * 3)
  const rowBytes = pictureSide * 3
  for (let y = 0; y < pictureSide; y += 1) {
    const shade = slope * (y / pictureSide - 0.5)
    const row = pixels.subarray(y * rowBytes, (y + 1) * rowBytes)
    row[0] = toByte(red + shade)
    row[1] = toByte(green + shade)
    row[2] = toByte(blue + shade)
    // Doubling copies fill the row without a loop over its pixels.
    for (let filled = 3; filled < rowBytes; filled *= 2) row.copyWithin(filled, 0, Math.min(filled, rowBytes - filled))
  }
  return pixels
}

type Canvas = Pick<Picture, 'pixels' | 'coverage'>

interface Brush {
  readonly distance: (x: number, y: number) => number
  readonly colour: Rgb
  readonly isSmooth: boolean
}

function paintObject(canvas: Canvas, object: PlacedObject, brush: Brush): void {
  const [left, right] = [Math.floor(object.x - object.radius) - 1, Math.ceil(object.x + object.radius) + 1]
  const [top, bottom] = [Math.floor(object.y - object.radius) - 1, Math.ceil(object.y + object.radius) + 1]
  for (let y = top; y <= bottom; y += 1) {
    for (let x = left; x <= right; ) {
      const distance = brush.distance(x + 0.5, y + 0.5)
      // A distance changes by at most one per pixel, so this many pixels lie on the same side of the outline.
      const run = Math.max(1, Math.min(right + 1 - x, Math.floor(Math.abs(distance) - 0.5)))
      const opacity = brush.isSmooth ? Math.min(1, Math.max(0, 0.5 - distance)) : Number(distance < 0)
      if (opacity > 0) for (let end = x + run; x < end; x += 1) paintPixel(canvas, x, y, brush.colour, opacity)
      else x += run
    }
  }
}

function paintPixel({ pixels, coverage }: Canvas, x: number, y: number, colour: Rgb, opacity: number): void {
  const at = (y * pictureSide + x) * 3
  for (let channel = 0; channel < 3; channel += 1) {
    const under = pixels[at + channel] ?? 0
    pixels[at + channel] = toByte(under + ((colour[channel] ?? 0) - under) * opacity)
  }
  const cell = Math.floor(y / cellSide) * cellsPerSide + Math.floor(x / cellSide)
  coverage[cell] = (coverage[cell] ?? 0) + opacity / (cellSide * cellSide)
}

/** Signed distance in pixels from a point to the outline of an object, negative inside. */
function distanceTo(shape: Shape, object: PlacedObject): (x: number, y: number) => number {
  if (shape === 'circle') return (x, y) => Math.hypot(x - object.x, y - object.y) - object.radius
  const corners = cornersOf(shape, object)
  return (x, y) => polygonDistance(corners, x, y)
}

function cornersOf(shape: Exclude<Shape, 'circle'>, object: PlacedObject): readonly (readonly [number, number])[] {
  const steps = { square: 4, triangle: 3, star: 10 }[shape]
  // Unturned, a square stands on a side, and a triangle and a star point up.
  const start = object.angle - (shape === 'square' ? Math.PI / 4 : Math.PI / 2)
  return Array.from({ length: steps }, (_, step) => {
    const radius = object.radius * (shape === 'star' && step % 2 === 1 ? 0.42 : 1)
    const angle = start + (2 * Math.PI * step) / steps
    return [object.x + radius * Math.cos(angle), object.y + radius * Math.sin(angle)] as const
  })
}

/** Distance to the nearest edge; the even-odd crossing count gives the sign. */
function polygonDistance(corners: readonly (readonly [number, number])[], x: number, y: number): number {
  let nearest = Number.POSITIVE_INFINITY
  let isInside = false
  let previous = corners[corners.length - 1] ?? [0, 0]
  for (const corner of corners) {
    const [edgeX, edgeY] = [previous[0] - corner[0], previous[1] - corner[1]]
    const [towardX, towardY] = [x - corner[0], y - corner[1]]
    const along = Math.min(1, Math.max(0, (towardX * edgeX + towardY * edgeY) / (edgeX * edgeX + edgeY * edgeY)))
    const [offX, offY] = [towardX - edgeX * along, towardY - edgeY * along]
    nearest = Math.min(nearest, offX * offX + offY * offY)
    const isBetween = corner[1] > y !== previous[1] > y
    if (isBetween && x < corner[0] + (edgeX * (y - corner[1])) / edgeY) isInside = !isInside
    previous = corner
  }
  return isInside ? -Math.sqrt(nearest) : Math.sqrt(nearest)
}

/** What cameras and JPEG do: grain, blocks of 8 pixels that are a little off, a change of exposure. */
function disturb(random: Random, pixels: Uint8Array): void {
  const grain = random.chance(0.4) ? random.between(2, 14) : 0
  const block = random.chance(0.25) ? random.between(1, 5) : 0
  const exposure = random.chance(0.3) ? random.between(0.88, 1.06) : 1
  if (grain === 0 && block === 0 && exposure === 1) return
  const blocksPerSide = pictureSide / 8
  const rowBytes = pictureSide * 3
  // A clamped view rounds and limits on assignment.
  const clamped = new Uint8ClampedArray(pixels.buffer)
  const shifts = new Float32Array(blocksPerSide)
  // One table of noise, entered anywhere by each row: 2.4 million draws a picture would take most of its time.
  const noise = Float32Array.from({ length: 2 * rowBytes }, () => random.between(-grain, grain))
  for (let y = 0; y < pictureSide; y += 1) {
    if (y % 8 === 0) for (let x = 0; x < blocksPerSide; x += 1) shifts[x] = random.between(-block, block)
    const start = random.integer(0, rowBytes)
    disturbRow(clamped.subarray(y * rowBytes, (y + 1) * rowBytes), noise.subarray(start), shifts, exposure)
  }
}

function disturbRow(row: Uint8ClampedArray, noise: Float32Array, shifts: Float32Array, exposure: number): void {
  for (let at = 0; at < row.length; at += 1) {
    const shift = (shifts[(at / 24) | 0] ?? 0) + (noise[at] ?? 0)
    row[at] = (row[at] ?? 0) * exposure + shift
  }
}

function blendColour(random: Random, colour: Colour): Rgb {
  const weights = [random.next(), random.next(), random.next()]
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  const channel = (index: 0 | 1 | 2): number =>
    palette[colour].reduce((sum, anchor, which) => sum + (anchor[index] * (weights[which] ?? 0)) / total, 0)
  return jitter(random, [channel(0), channel(1), channel(2)], 8)
}

function jitter(random: Random, [red, green, blue]: Rgb, reach: number): Rgb {
  const shake = (value: number): number => toByte(value + random.between(-reach, reach))
  return [shake(red), shake(green), shake(blue)]
}

function toByte(value: number): number {
  return Math.min(255, Math.max(0, Math.round(value)))
}
