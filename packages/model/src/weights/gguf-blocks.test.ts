import { describe, expect, it } from 'vitest'
import { allocateBlockRows, type BlockRows } from './block-rows.ts'
import { GGUF_BLOCK_FORMS, type GgufBlockType, unpackGgufBlocks } from './gguf-blocks.ts'
import { dequantize } from './gguf-dequantize.ts'
import { GGUF_TYPES } from './gguf-types.ts'

const TYPES = Object.keys(GGUF_BLOCK_FORMS) as GgufBlockType[]
const BLOCKS = 40

/** Where the float16 scales of a block lie. */
const SCALES: Readonly<Record<GgufBlockType, readonly number[]>> = {
  Q4_0: [0],
  Q4_1: [0, 2],
  Q5_0: [0],
  Q5_1: [0, 2],
  Q8_0: [0],
  Q4_K: [0, 2],
  Q5_K: [0, 2],
  Q6_K: [208],
}

/** Random blocks; scales are any float16 that is a number. */
function randomBlocks(type: GgufBlockType): Uint8Array<ArrayBuffer> {
  const { blockBytes } = GGUF_TYPES[type]
  let state: number = blockBytes
  const bytes = Uint8Array.from({ length: BLOCKS * blockBytes }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0
    return state >>> 24
  })
  for (let at = 0; at < bytes.length; at += blockBytes) {
    for (const scale of SCALES[type]) bytes[at + scale + 1] = (bytes[at + scale + 1] ?? 0) & 0xbb
  }
  return bytes
}

function unpack(type: GgufBlockType, bytes: Uint8Array): { out: BlockRows; areNumbers: boolean } {
  const { blockSize, blockBytes } = GGUF_TYPES[type]
  const out = allocateBlockRows(GGUF_BLOCK_FORMS[type], bytes.length / blockBytes, blockSize)
  return { out, areNumbers: unpackGgufBlocks(type, bytes, out) }
}

describe.each(TYPES)('blocks of %s', (type) => {
  const { bits, blockSize, hasOffsets } = GGUF_BLOCK_FORMS[type]

  it(
    hasOffsets ? 'stand for the same numbers, save that offsets are rounded once' : 'stand for the same numbers',
    () => {
      const bytes = randomBlocks(type)
      const { out, areNumbers } = unpack(type, bytes)
      expect(areNumbers).toBe(true)
      const expected = dequantize(type, bytes)
      const found = expected.map((_, i) => {
        const q = bits === 8 ? (out.quants[i] ?? 0) : ((out.quants[i >> 1] ?? 0) >> (4 * (i & 1))) & 15
        const block = Math.floor(i / blockSize)
        return (q - 2 ** (bits - 1)) * (out.scales[block] ?? Number.NaN) + (out.offsets[block] ?? -0)
      })
      if (!hasOffsets) return expect(found).toEqual(expected)
      for (const [i, value] of found.entries()) {
        const offset = Math.abs(out.offsets[Math.floor(i / blockSize)] ?? Number.NaN)
        // Half a unit in the last place of the offset, and of both sums.
        const bound = 2 ** -24 * (offset + 2 * Math.abs(value)) + 2 ** -149
        expect(Math.abs(value - (expected[i] ?? Number.NaN))).toBeLessThanOrEqual(bound)
      }
    },
  )

  it('are refused if a scale is not a number', () => {
    for (const scale of SCALES[type]) {
      const bytes = randomBlocks(type)
      const at = (BLOCKS - 1) * GGUF_TYPES[type].blockBytes + scale
      bytes.set([0x00, 0x7e], at)
      expect(unpack(type, bytes).areNumbers).toBe(false)
    }
  })
})
