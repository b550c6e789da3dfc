/** Decides what a picture shows and where, before a single pixel is drawn. */

import type { Random } from './random.ts'

/** Side of every picture in pixels, the input side of the Gemma 3 vision tower. */
export const pictureSide = 896

export const colours = ['red', 'green', 'blue', 'yellow', 'purple', 'orange', 'black', 'pink'] as const
export const shapes = ['circle', 'square', 'triangle', 'star'] as const
export const places = ['left', 'right', 'top', 'bottom', 'middle'] as const

export type Colour = (typeof colours)[number]
export type Shape = (typeof shapes)[number]
export type Place = (typeof places)[number]

/** One drawn object; lengths in pixels, the angle in radians. */
export interface PlacedObject {
  readonly x: number
  readonly y: number
  /** Radius of the circle that encloses the object. */
  readonly radius: number
  readonly angle: number
}

/** What is true of a picture. All its objects share one colour and one shape. */
export interface PictureFacts {
  readonly count: number
  readonly colour: Colour
  readonly shape: Shape
  /** Where the object is; null unless there is exactly one. */
  readonly place: Place | null
  readonly objects: readonly PlacedObject[]
}

/** Least distance between two objects, and between an object and the border. */
const gap = 30
const borderGap = 10

/** Offsets from the centre as shares of the side. What lies between the bands is never drawn, so "where" has one answer. */
const middleBand = 0.08
const sideBand = 0.17
const diagonalBand = 0.1

/** The enclosing circle of a square is wider than the square looks, so sizes are evened out per shape. */
const radiusFactor: Readonly<Record<Shape, number>> = { circle: 1, square: 1.25, triangle: 1.25, star: 1.25 }

/**
 * Names the place of a single object, or null where a person could argue about it.
 *
 * @param x centre of the object in pixels from the left border
 * @param y centre of the object in pixels from the top border
 */
export function placeOf(x: number, y: number): Place | null {
  const right = x / pictureSide - 0.5
  const down = y / pictureSide - 0.5
  const across = Math.abs(right)
  const along = Math.abs(down)
  if (Math.max(across, along) <= middleBand) return 'middle'
  if (Math.max(across, along) < sideBand || Math.abs(across - along) < diagonalBand) return null
  if (across > along) return right < 0 ? 'left' : 'right'
  return down < 0 ? 'top' : 'bottom'
}

/**
 * Draws the facts of one picture.
 *
 * @param maxObjects upper end of the count, 1 to 5; the training curriculum starts low
 */
export function drawFacts(random: Random, maxObjects: number): PictureFacts {
  const count = drawCount(random, maxObjects)
  const colour = random.pick(colours)
  const shape = random.pick(shapes)
  const objects = placeObjects(random, count, shape)
  const first = objects[0]
  const place = count === 1 && first !== undefined ? placeOf(first.x, first.y) : null
  return { count, colour, shape, place, objects }
}

function drawCount(random: Random, maxObjects: number): number {
  const draw = random.next()
  if (draw < 0.06) return 0
  if (draw < 0.4 || maxObjects === 1) return 1
  return random.integer(2, maxObjects)
}

function placeObjects(random: Random, count: number, shape: Shape): readonly PlacedObject[] {
  const largest = count === 1 ? 150 : 130 - 10 * (count - 2)
  const wanted = random.pick(places)
  for (;;) {
    const placed: PlacedObject[] = []
    for (let attempt = 0; attempt < 400 && placed.length < count; attempt += 1) {
      const radius = random.between(48, largest) * radiusFactor[shape]
      const reach = radius + borderGap
      const x = random.between(reach, pictureSide - reach)
      const y = random.between(reach, pictureSide - reach)
      if (count === 1 && placeOf(x, y) !== wanted) continue
      if (!placed.every((other) => Math.hypot(other.x - x, other.y - y) > other.radius + radius + gap)) continue
      placed.push({ x, y, radius, angle: random.between(-0.25, 0.25) })
    }
    if (placed.length === count) return placed
  }
}
