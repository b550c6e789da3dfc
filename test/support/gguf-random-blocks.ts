import { GGUF_TYPES, type GgufDType } from '@loupe/model'

/** Where the float16 scales of a block lie, and what to write there: some 0.05 as the size of a weight. */
const SCALES: Readonly<Record<string, readonly (readonly [at: number, value: number])[]>> = {
  Q4_0: [[0, 0.012]],
  Q4_1: [
    [0, 0.012],
    [2, -0.09],
  ],
  Q5_0: [[0, 0.006]],
  Q5_1: [
    [0, 0.006],
    [2, -0.09],
  ],
  Q8_0: [[0, 0.0008]],
  Q4_K: [
    [0, 0.0003],
    [2, 0.0022],
  ],
  Q5_K: [
    [0, 0.00015],
    [2, 0.0022],
  ],
  Q6_K: [[208, 0.00004]],
}

/** A small repeatable generator: whole numbers of 32 bits. */
export function randomWords(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0
    return (state >>> 16) | ((Math.imul(state, 0x9e37_79b1) & 0xffff) << 16)
  }
}

/** Whole blocks of any bytes, with scales that give weights of the size that models have. */
export function randomBlocks(dtype: GgufDType, numbers: number, seed: number): Uint8Array<ArrayBuffer> {
  const { blockSize, blockBytes } = GGUF_TYPES[dtype]
  const next = randomWords(seed)
  const bytes = new Uint8Array((numbers / blockSize) * blockBytes)
  for (let at = 0; at < bytes.length; at++) bytes[at] = next() & 0xff
  const view = new DataView(bytes.buffer)
  for (let block = 0; block < bytes.byteLength; block += blockBytes) {
    for (const [at, value] of SCALES[dtype] ?? []) {
      // Scales of blocks differ, and some are negative.
      const factor = (0.5 + (next() & 0xff) / 256) * ((next() & 7) === 0 && at !== 2 ? -1 : 1)
      view.setUint16(block + at, new Uint16Array(Float16Array.of(value * factor).buffer)[0] ?? 0, true)
    }
  }
  return bytes
}
