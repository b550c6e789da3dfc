import { createHash } from 'node:crypto'
import { inflateSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { drawFacts, type PictureFacts, pictureSide, placeOf } from './layout.ts'
import { cellSide, drawPicture } from './picture.ts'
import { encodePng } from './png.ts'
import { createRandom } from './random.ts'

const seeds = Array.from({ length: 12 }, (_, seed) => seed)
const manySeeds = Array.from({ length: 2000 }, (_, seed) => 500 + seed)

const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
const factsOf = (seed: number): PictureFacts => drawFacts(createRandom(seed), 5)

describe('a generated picture', () => {
  it('is the same for the same seed and another for another seed', () => {
    expect(digest(drawPicture(7).pixels)).toBe(digest(drawPicture(7).pixels))
    expect(digest(drawPicture(7).pixels)).not.toBe(digest(drawPicture(8).pixels))
  })

  it('has three bytes for each of 896 by 896 pixels', () => {
    expect(drawPicture(1).pixels).toHaveLength(896 * 896 * 3)
  })

  it('differs from its background at each object and nowhere else', () => {
    for (const seed of seeds) {
      const { pixels, facts, coverage } = drawPicture(seed)
      for (const { x, y } of facts.objects) expect(contrast(pixels, x, y)).toBeGreaterThan(40)
      const emptyCells = [...coverage.keys()].filter((cell) => coverage[cell] === 0)
      for (const cell of emptyCells) {
        const [column, row] = [cell % 16, Math.floor(cell / 16)]
        expect(contrast(pixels, (column + 0.5) * cellSide, (row + 0.5) * cellSide)).toBeLessThan(60)
      }
    }
  })

  it('covers about as much as its objects are large', () => {
    for (const seed of manySeeds.filter((seed) => factsOf(seed).shape === 'circle').slice(0, 5)) {
      const { facts, coverage } = drawPicture(seed)
      const expected = facts.objects.reduce((sum, { radius }) => sum + Math.PI * radius * radius, 0)
      const drawn = coverage.reduce((sum, share) => sum + share, 0) * cellSide * cellSide
      expect(Math.abs(drawn - expected)).toBeLessThanOrEqual(0.01 * expected)
    }
  })
})

describe('the facts of a picture', () => {
  it('keep objects apart and inside the picture', () => {
    for (const { objects } of manySeeds.map(factsOf)) {
      for (const [index, { x, y, radius }] of objects.entries()) {
        expect(Math.min(x, y, pictureSide - x, pictureSide - y)).toBeGreaterThan(radius)
        for (const other of objects.slice(index + 1))
          expect(Math.hypot(other.x - x, other.y - y)).toBeGreaterThan(radius + other.radius)
      }
    }
  })

  it('name a place exactly when there is one object, and the place fits its centre', () => {
    for (const { count, objects, place } of manySeeds.map(factsOf)) {
      expect(objects).toHaveLength(count)
      expect(place === null).toBe(count !== 1)
      for (const { x, y } of count === 1 ? objects : []) expect(placeOf(x, y)).toBe(place)
    }
  })

  it('reach every count, colour, shape and place', () => {
    const facts = manySeeds.map(factsOf)
    expect(new Set(facts.map(({ count }) => count)).size).toBe(6)
    expect(new Set(facts.map(({ colour, shape }) => `${colour} ${shape}`)).size).toBe(8 * 4)
    expect(new Set(facts.map(({ place }) => place)).size).toBe(6)
  })

  it('leave out places that a person could argue about', () => {
    expect(placeOf(200, 200)).toBeNull()
    expect(placeOf(448 + 100, 448)).toBeNull()
    expect(placeOf(448, 448)).toBe('middle')
    expect(placeOf(150, 448)).toBe('left')
    expect(placeOf(448, 750)).toBe('bottom')
  })
})

describe('the PNG writer', () => {
  it('writes rows that the filter turns back into the same pixels', () => {
    const pixels = Uint8Array.from({ length: 4 * 3 * 3 }, (_, at) => (at * 37) % 251)
    const png = Buffer.from(encodePng(pixels, 4, 3))
    const start = png.indexOf('IDAT')
    const rows = inflateSync(png.subarray(start + 4, start + 4 + png.readUInt32BE(start - 4)))
    const restored: number[] = []
    for (let at = 0; at < pixels.length; at += 1) {
      const row = Math.floor(at / 12)
      expect(rows[row * 13]).toBe(2)
      restored.push(((rows[row * 13 + 1 + (at % 12)] ?? 0) + (restored[at - 12] ?? 0)) & 255)
    }
    expect(restored).toEqual([...pixels])
  })
})

/** Distance in colour between a pixel and the top left corner, which is always background. */
function contrast(pixels: Uint8Array, x: number, y: number): number {
  const at = (Math.floor(y) * pictureSide + Math.floor(x)) * 3
  return Math.hypot(...[0, 1, 2].map((channel) => (pixels[at + channel] ?? 0) - (pixels[channel] ?? 0)))
}
