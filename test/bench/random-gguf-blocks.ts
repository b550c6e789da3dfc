const BLOCK = 32

/** Whole blocks of 32 weights, as ggml lays them out. */
export interface BlockType {
  readonly dtype: 'Q4_0' | 'Q8_0'
  readonly blockBytes: number
  /** Writes one block at `offset`. */
  readonly write: (block: Float32Array, out: DataView, offset: number) => void
}

/**
 * 4 bits: `(q - 8) · d`. The weight of the largest size becomes exactly -8 · d, whatever its sign.
 *
 * @see ggml `quantize_row_q4_0_ref`: low halves of the bytes hold the first 16 weights, high halves the others
 */
export const Q4_0: BlockType = {
  dtype: 'Q4_0',
  blockBytes: 18,
  write(block, out, offset) {
    const scale = block.reduce((most, weight) => (Math.abs(weight) > Math.abs(most) ? weight : most), 0) / -8
    const inverse = scale === 0 ? 0 : 1 / scale
    const level = (at: number) => Math.min(15, Math.trunc((block[at] ?? 0) * inverse + 8.5))
    out.setFloat16(offset, scale, true)
    for (let at = 0; at < BLOCK / 2; at++) out.setUint8(offset + 2 + at, level(at) | (level(at + BLOCK / 2) << 4))
  },
}

/** 8 bits: `q · d`. @see ggml `quantize_row_q8_0_ref` */
export const Q8_0: BlockType = {
  dtype: 'Q8_0',
  blockBytes: 34,
  write(block, out, offset) {
    const scale = block.reduce((most, weight) => Math.max(most, Math.abs(weight)), 0) / 127
    const inverse = scale === 0 ? 0 : 1 / scale
    out.setFloat16(offset, scale, true)
    for (let at = 0; at < BLOCK; at++) out.setInt8(offset + 2 + at, Math.round((block[at] ?? 0) * inverse))
  },
}

/** Quantises whole blocks. */
export function quantise(numbers: Float32Array, { blockBytes, write }: BlockType): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array((numbers.length / BLOCK) * blockBytes)
  const view = new DataView(bytes.buffer)
  for (let block = 0; block * BLOCK < numbers.length; block++) {
    write(numbers.subarray(block * BLOCK, (block + 1) * BLOCK), view, block * blockBytes)
  }
  return bytes
}
