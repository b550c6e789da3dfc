/**
 * Writes pictures with their conversations to standard output for the trainer.
 *
 * One frame per picture, little endian:
 *
 *     u32 header bytes | header, JSON in UTF-8 | 896 * 896 * 3 RGB bytes | 256 float32 coverage
 *
 * Usage: node stream.ts FIRST_SEED COUNT MAX_OBJECTS
 */

import { writeSync } from 'node:fs'
import { drawConversations } from './dialogues.ts'
import { drawPicture } from './picture.ts'
import { createRandom } from './random.ts'

const [firstSeed = 1_000_000, count = 1, maxObjects = 5] = process.argv.slice(2).map(Number)

for (let seed = firstSeed; seed < firstSeed + count; seed += 1) {
  const picture = drawPicture(seed, maxObjects)
  // The words come from their own stream, so that a new question leaves the pictures as they were.
  const conversations = drawConversations(createRandom(seed ^ 0x5bd1e995), picture.facts)
  const header = Buffer.from(JSON.stringify({ seed, facts: picture.facts, conversations }))
  const length = Buffer.alloc(4)
  length.writeUInt32LE(header.length)
  const coverage = Buffer.from(picture.coverage.buffer)
  for (const part of [length, header, picture.pixels, coverage]) writeAll(part)
}

/** Standard output is a pipe, which takes a large buffer in pieces. */
function writeAll(bytes: Uint8Array): void {
  for (let written = 0; written < bytes.length; ) written += writeSync(1, bytes, written)
}
