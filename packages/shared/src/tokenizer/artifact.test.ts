import { describe, expect, test } from 'vitest'
import { crc32 } from '../crc32.ts'
import { AppError } from '../errors/index.ts'
import { decodeArtifact, encodeArtifact } from './artifact.ts'
import type { TokenizerContent } from './content.ts'

const pieces = ['ab', '<x>', 'é', 'b']
const content: TokenizerContent = {
  pieceLengths: Uint8Array.from(pieces, (piece) => new TextEncoder().encode(piece).length),
  pieceBytes: new TextEncoder().encode(pieces.join('')),
  byteIds: new Int32Array(256).fill(3),
  added: [{ id: 1, content: '<x>', isSpecial: true, isControl: true, isPiece: false }],
  bridges: Int32Array.of(2),
  merges: Int32Array.of(0, 3, 3, 2),
}

/** Changes 32-bit words of an artifact and mends its checksum. */
function forge(words: Record<number, number>): Uint8Array {
  const artifact = encodeArtifact(content)
  const view = new DataView(artifact.buffer)
  for (const [offset, value] of Object.entries(words)) view.setUint32(Number(offset), value, true)
  view.setUint32(12, crc32(artifact.subarray(16)), true)
  return artifact
}

function faultOf(artifact: Uint8Array): string {
  try {
    decodeArtifact(artifact)
  } catch (error) {
    if (AppError.isInstance(error) && error.code === 'tokenizer.invalid') return error.detail
    throw error
  }
  throw new Error('no fault found')
}

describe('artifact', () => {
  test('holds all of the content', () => {
    expect(decodeArtifact(encodeArtifact(content))).toEqual(content)
    const bare = { ...content, bridges: undefined, merges: undefined }
    expect(decodeArtifact(encodeArtifact(bare))).toEqual(bare)
  })

  test('is read from inside a larger buffer', () => {
    const artifact = encodeArtifact(content)
    const larger = new Uint8Array(artifact.length + 3)
    larger.set(artifact, 3)
    expect(decodeArtifact(larger.subarray(3))).toEqual(content)
  })

  const addedAt = 40 + pieces.length + content.pieceBytes.length + 4 * 256
  test.each<[string, Record<number, number>, string]>([
    ['magic', { 0: 0 }, 'magic of the artifact: expected LOUPETOK'],
    ['version', { 8: 2 }, 'version of the artifact: expected 1, found 2'],
    ['count of pieces', { 20: 0xffffffff }, 'pieces of the artifact: expected at most 524288, found 4294967295'],
    ['count of piece bytes', { 24: 5 }, 'bytes as its header says'],
    ['count of merges', { 36: 0x7fffffff }, 'merges of the artifact: expected at most'],
    ['added id', { [addedAt]: 4 }, 'added token 0: expected an id below 4, found 4'],
    ['merge id', { [addedAt + 8]: 9 }, 'half of merges 0: expected an id below 4, found 9'],
    ['length of a piece', { 40: 0x01020303 }, 'piece lengths: expected a sum of 8, found 9'],
    ['empty piece', { 40: 0x01020500 }, 'piece 0: expected at least one byte, found 0'],
  ])('with a wrong %s is refused', (_, words, fault) => {
    expect(faultOf(forge(words))).toContain(fault)
  })

  test('cut short anywhere, or with any bit flipped, is refused', () => {
    const artifact = encodeArtifact(content)
    for (let at = 0; at < artifact.length; at += 1) {
      expect(faultOf(artifact.subarray(0, at))).toContain('expected')
      const damaged = artifact.slice()
      damaged[at] = (damaged[at] ?? 0) ^ (1 << (at % 8))
      expect(faultOf(damaged)).toContain('expected')
    }
  })
})
