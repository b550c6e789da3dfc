import { mutantsOf } from '../mutant.ts'

const MODEL = 'packages/model/src'
const GRAPH = [`${MODEL}/node/blocks.test.ts`]
const UNPACKED = [`${MODEL}/weights/gguf-blocks.test.ts`, 'test/golden/gguf/blocks.test.ts']
const QUANTISED = [`${MODEL}/weights/quantize.test.ts`]
const NARROWED = [`${MODEL}/weights/narrow.test.ts`]

/** Weights of a few bits: what they stand for in a file, and what is computed with them. */
export const BLOCK_MUTANTS = [
  ...mutantsOf(`${MODEL}/graph/ops/blocks.ts`, GRAPH, {
    'block-offsets-ignored': [
      'A product adds the offset of each block.',
      ['if (offsets === undefined) return product', 'if (true as boolean) return product'],
    ],
    'gathered-offsets-ignored': [
      'A row that is picked has its offsets.',
      ['if (offsets === undefined) return firstColumns(', 'if (true as boolean) return firstColumns('],
    ],
    'activations-always-rounded': [
      'With float32 activations the other factor is not rounded.',
      ['int8: 4, float32: 1', 'int8: 4, float32: 4'],
    ],
  }),
  ...mutantsOf(`${MODEL}/weights/gguf-blocks.ts`, UNPACKED, {
    'q8-0-block-zero': [
      'The zero of an unpacked Q8_0 is 128.',
      ['(bytes[at + 2 + j] ?? 0) ^ 0x80', '(bytes[at + 2 + j] ?? 0) ^ 0x00'],
    ],
    'q4-1-block-offset': [
      'The offset of Q4_1 makes up for a zero of 8.',
      ['float16At(bytes, at + 2) + 8 * d', 'float16At(bytes, at + 2)'],
    ],
    'q5-1-block-offset': [
      'The offset of Q5_1 makes up for a zero of 16.',
      ['float16At(bytes, at + 2) + 16 * d', 'float16At(bytes, at + 2) + 8 * d'],
    ],
    'q5-0-block-zero': [
      'The zero of an unpacked Q5_0 is 128.',
      ['((byte & 15) | (((fifths >>> j) & 1) << 4)) + 112', '((byte & 15) | (((fifths >>> j) & 1) << 4)) + 128'],
    ],
    'pairs-not-halves': [
      'Unpacked numbers lie in pairs.',
      ['(first & 15) | ((second & 15) << 4)', '(first & 15) | (second & 0xf0)'],
    ],
  }),
  ...mutantsOf(`${MODEL}/weights/gguf-k-blocks.ts`, UNPACKED, {
    'k-block-offset-sign': [
      'The minimum of a run is subtracted.',
      ['middle * step - minimum', 'middle * step + minimum'],
    ],
    'q6-k-block-zero': [
      'The zero of an unpacked Q6_K is 128.',
      ['((first & 15) | ((upper & 3) << 4)) + 96', '((first & 15) | ((upper & 3) << 4)) + 128'],
    ],
    'q6-k-scale-unsigned': ['The scales of Q6_K have a sign.', ['<< 24) >> 24)', '<< 24) >>> 24)']],
  }),
  ...mutantsOf(`${MODEL}/weights/quantize.ts`, QUANTISED, {
    'int8-zero': ['The zero of quantised bytes is 128.', ['* steps + 128.5', '* steps + 127.5']],
    'int8-truncated': ['Bytes are rounded to the nearest.', ['* steps + 128.5', '* steps + 128']],
    'int4-zero': [
      'The zero of quantised half bytes is 8.',
      ['const low = ((rows[i] ?? 0) * steps + 8.5) | 0', 'const low = ((rows[i] ?? 0) * steps + 7.5) | 0'],
    ],
    'short-block-not-filled': ['A short block is filled up with zeros.', ['quants.fill(128, at', 'quants.fill(0, at']],
  }),
  ...mutantsOf(`${MODEL}/weights/narrow.ts`, NARROWED, {
    'bfloat16-truncated': [
      'A bfloat16 is rounded to the nearest.',
      ['(word + 0x7fff + ((word >>> 16) & 1)) >>> 16', 'word >>> 16'],
    ],
    'bfloat16-ties-away': [
      'Ties go to the even number.',
      ['(word + 0x7fff + ((word >>> 16) & 1)) >>> 16', '(word + 0x8000) >>> 16'],
    ],
    'float16-ties-away': ['Ties go to the even number in float16 too.', ['0xfff + ((magnitude >> 13) & 1)', '0x1000']],
  }),
]
