/**
 * Draws the pictures in the repository's examples folder.
 *
 * Usage: node render-examples.ts [OUTPUT_FOLDER]
 */

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { makeDirectory } from '@loupe/model/node'
import { drawFacts, type PictureFacts, pictureSide } from './layout.ts'
import { drawPicture } from './picture.ts'
import { encodePng } from './png.ts'
import { createRandom } from './random.ts'

/** What each example shows; the first seed whose facts fit draws it. */
const examples: Readonly<Record<string, (facts: PictureFacts) => boolean>> = {
  'red-circle': (facts) => shows(facts, 1, 'red', 'circle') && facts.place === 'left',
  'three-blue-stars': (facts) => shows(facts, 3, 'blue', 'star'),
  'green-triangle': (facts) => shows(facts, 1, 'green', 'triangle') && facts.place === 'top',
  'five-orange-squares': (facts) => shows(facts, 5, 'orange', 'square'),
  'two-pink-circles': (facts) => shows(facts, 2, 'pink', 'circle'),
  nothing: (facts) => facts.count === 0,
}

/** Held out like the evaluation's pictures, and apart from them. */
const firstSeed = 200_000

function shows(facts: PictureFacts, count: number, colour: string, shape: string): boolean {
  return facts.count === count && facts.colour === colour && facts.shape === shape
}

/** Grainy pictures do not compress; the examples are the smooth ones. */
const largestBytes = 40_000

/** The first fitting picture that makes a small file. */
function drawExample(fits: (facts: PictureFacts) => boolean): Uint8Array {
  for (let seed = firstSeed; ; seed += 1) {
    if (!fits(drawFacts(createRandom(seed), 5))) continue
    const png = encodePng(drawPicture(seed).pixels, pictureSide, pictureSide)
    if (png.length <= largestBytes) return png
  }
}

const [folder = fileURLToPath(new URL('../../examples', import.meta.url))] = process.argv.slice(2)
await makeDirectory(folder)
for (const [name, fits] of Object.entries(examples)) writeFileSync(join(folder, `${name}.png`), drawExample(fits))
