import { createRandom, type Random } from '../loupe-tiny/random.ts'

type Color = readonly [red: number, green: number, blue: number]

interface Canvas {
  readonly pixels: Uint8Array
  readonly width: number
}

interface Area {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

const GLYPHS = 64
const GLYPH = { width: 9, height: 18 }

/**
 * What a screen shows: windows of one colour, bars that fade, and lines of small letters. No font is needed; the letters
 * are strokes that nobody can read.
 *
 * @returns RGB, `[height, width, 3]`
 */
export function drawScreenshot(width: number, height: number, seed: number): Uint8Array {
  const random = createRandom(seed)
  const canvas = { pixels: new Uint8Array(width * height * 3), width }
  const glyphs = Array.from({ length: GLYPHS }, () => drawGlyph(random))
  fade(canvas, { x: 0, y: 0, width, height }, [32, 60, 96], [96, 40, 110])
  for (let row = 0; row < 2; row++) {
    for (let column = 0; column < 3; column++) {
      const area = {
        x: Math.floor(((column + 0.03) * width) / 3),
        y: Math.floor(((row + 0.03) * height) / 2),
        width: Math.floor((width / 3) * 0.94),
        height: Math.floor((height / 2) * 0.94),
      }
      drawWindow(canvas, area, glyphs, random)
    }
  }
  return canvas.pixels
}

function drawWindow(canvas: Canvas, area: Area, glyphs: readonly Uint8Array[], random: Random): void {
  const isDark = random.next() < 0.5
  const paper: Color = isDark ? [30, 30, 34] : [252, 252, 250]
  fade(canvas, area, paper, paper)
  fade(canvas, { ...area, height: 36 }, [225, 226, 230], [205, 206, 212])
  for (let y = area.y + 48; y + GLYPH.height < area.y + area.height; y += GLYPH.height + 4) {
    const letters = Math.floor((random.next() * (area.width - 40)) / GLYPH.width)
    const ink: Color = isDark ? [random.integer(120, 220), 200, 210] : [random.integer(10, 90), 40, 60]
    for (let letter = 0, x = area.x + 16; letter < letters; letter++, x += GLYPH.width) {
      const glyph = glyphs[random.integer(0, GLYPHS - 1)]
      if (glyph !== undefined && random.next() > 0.16) stamp(canvas, { x, y }, glyph, ink)
    }
  }
}

/** Fills an area, from one colour at its top to another at its bottom. */
function fade({ pixels, width }: Canvas, area: Area, top: Color, bottom: Color): void {
  for (let y = 0; y < area.height; y++) {
    const share = y / area.height
    const color = top.map((level, channel) => Math.round(level + share * ((bottom[channel] ?? 0) - level)))
    for (let x = 0, to = ((area.y + y) * width + area.x) * 3; x < area.width; x++, to += 3) pixels.set(color, to)
  }
}

/** How much ink each pixel of a letter takes, 0 to 255: some strokes with soft edges. */
function drawGlyph(random: Random): Uint8Array {
  const ink = new Uint8Array(GLYPH.width * GLYPH.height)
  for (let stroke = 0; stroke < 3; stroke++) {
    const isUpright = random.next() < 0.6
    const line = random.integer(1, isUpright ? GLYPH.width - 3 : GLYPH.height - 5)
    for (let along = 3; along < (isUpright ? GLYPH.height - 4 : GLYPH.width - 1); along++) {
      const at = isUpright ? along * GLYPH.width + line : line * GLYPH.width + along
      ink[at] = 255
      ink[at + (isUpright ? 1 : GLYPH.width)] = 96
    }
  }
  return ink
}

function stamp({ pixels, width }: Canvas, place: { x: number; y: number }, glyph: Uint8Array, ink: Color): void {
  for (let at = 0; at < glyph.length; at++) {
    const share = (glyph[at] ?? 0) / 255
    const x = place.x + (at % GLYPH.width)
    const y = place.y + Math.floor(at / GLYPH.width)
    for (let channel = 0, to = (y * width + x) * 3; channel < 3; channel++, to++) {
      pixels[to] = Math.round((pixels[to] ?? 0) * (1 - share) + (ink[channel] ?? 0) * share)
    }
  }
}
