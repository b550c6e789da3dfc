import { mutantsOf } from '../mutant.ts'

const MODEL = 'packages/model/src'
const CHECKPOINTS = ['test/golden/vl/checkpoints.test.ts']
const GGUF = ['test/golden/gguf/pair.test.ts', `${MODEL}/gemma3/gguf-names.test.ts`]
const BLOCKS = ['test/golden/gguf/blocks.test.ts', `${MODEL}/weights/gguf-dequantize.test.ts`]
const CONFIG = [`${MODEL}/gemma3/config.test.ts`]

/** What checkpoints of either format say in their own way. */
export const CHECKPOINT_MUTANTS = [
  ...mutantsOf(`${MODEL}/gemma3/config-text.ts`, CONFIG, {
    'full-layers-one-early': [
      'Layer i is global when i + 1 is a multiple of six.',
      ['(layer + 1) % every === 0', 'layer % every === 0'],
    ],
    'local-theta-default': [
      'Local layers turn by theta 10,000 unless a file says otherwise.',
      ['localTheta: 1e4', 'localTheta: 1e6'],
    ],
    'global-theta-default': [
      'Global layers turn by theta 1,000,000 unless a file says otherwise.',
      ['globalTheta: 1e6', 'globalTheta: 1e4'],
    ],
    'pattern-wins-over-layer-types': [
      'layer_types win over the pattern.',
      ['raw.layer_types ?? patternOf(raw)', 'patternOf(raw)'],
    ],
    'older-rope-type-ignored': [
      'The older key of the rope type is read.',
      ['rope.rope_type ?? rope.type ??', 'rope.rope_type ??'],
    ],
  }),
  ...mutantsOf(`${MODEL}/gemma3/config-schema.ts`, CONFIG, {
    'epsilon-default-1e-5': [
      'The epsilon of the decoder is 1e-6 unless a file says otherwise.',
      ['rms_norm_eps: positive.default(1e-6)', 'rms_norm_eps: positive.default(1e-5)'],
    ],
    'tower-epsilon-default-1e-5': [
      'The epsilon of the tower is 1e-6 unless a file says otherwise.',
      ['layer_norm_eps: positive.default(1e-6)', 'layer_norm_eps: positive.default(1e-5)'],
    ],
    'scalar-default': [
      'Scores are scaled by 256^(-1/2) unless a file says otherwise.',
      ['query_pre_attn_scalar: positive.default(256)', 'query_pre_attn_scalar: positive.default(168)'],
    ],
  }),
  ...mutantsOf(`${MODEL}/gemma3/names.ts`, CHECKPOINTS, {
    'released-names-unknown': [
      'The released files say vision_tower.vision_model.',
      ['[/^vision_tower\\.vision_model\\./, VISION_PREFIX],', ''],
    ],
    'text-class-names-unknown': [
      'The text-only class says model.layers.',
      ['(embed_tokens|layers|norm)', '(embed_tokens_|norm_)'],
    ],
  }),
  ...mutantsOf(`${MODEL}/gemma3/gguf-names.ts`, GGUF, {
    'gguf-norms-taken-as-they-are': [
      'RMS norms of a GGUF hold 1 + w.',
      ["return ggufName.endsWith('norm.weight')", 'return false'],
    ],
    'gguf-layer-norms-plus-one': [
      'Layer norms of a GGUF are as they are.',
      ["return ggufName.endsWith('norm.weight')", 'return /norm\\.weight$|ln[12]\\.weight$/.test(ggufName)'],
    ],
    'gguf-ffn-not-swapped': [
      'The first matrix of a vision MLP is the one that takes the width of the tower in.',
      ['vision !== undefined && isSwapped(layer, tensors)', 'false'],
    ],
    'gguf-head-read': [
      'The head of a GGUF is its embedding table.',
      ["'lm_head.weight'", "'language_model.embed_tokens.weight'"],
    ],
  }),
  ...mutantsOf(`${MODEL}/gemma3/parameters.ts`, ['test/golden/gguf/forward.test.ts'], {
    'plus-one-not-undone': [
      '1 is taken from a norm that is stored as 1 + w.',
      ['floats(name).isStoredPlusOne ?', 'false ?'],
    ],
  }),
  ...mutantsOf(`${MODEL}/gemma3/gguf-config.ts`, [`${MODEL}/gemma3/gguf-config.test.ts`], {
    'gguf-27b-scaled-by-head-size': [
      'A GGUF of 62 layers is scaled by d/n.',
      ['layers === LAYERS_OF_27B ? hiddenSize / heads : headSize', 'headSize'],
    ],
    'gguf-local-theta': [
      'A GGUF without the key turns local layers by 10,000.',
      [
        "rope_local_base_freq: shortestDecimal(keys['gemma3.rope.freq_base_swa'])",
        "rope_local_base_freq: shortestDecimal(keys['gemma3.rope.freq_base'])",
      ],
    ],
    'gguf-factor-dropped': ['A GGUF may stretch positions.', ["=== 'linear' ?", "=== 'yarn' as string ?"]],
  }),
  ...mutantsOf(`${MODEL}/weights/gguf-dequantize.ts`, BLOCKS, {
    'q4-0-zero-point': ['The zero of Q4_0 is 8.', ['(halfByte(block, 2, j) - 8)', '(halfByte(block, 2, j) - 7)']],
    'q5-0-zero-point': ['The zero of Q5_0 is 16.', ['fifthBit(fifth, j) - 16)', 'fifthBit(fifth, j) - 15)']],
    'q8-0-unsigned': ['The bytes of Q8_0 have a sign.', ['block.getInt8(2 + j)', 'block.getUint8(2 + j)']],
    'half-bytes-interleaved': [
      'Low halves are the first sixteen numbers.',
      ['block.getUint8(at + (j % 16)) >> (j < 16 ? 0 : 4)', 'block.getUint8(at + (j >> 1)) >> (j % 2 === 0 ? 0 : 4)'],
    ],
  }),
  ...mutantsOf(`${MODEL}/weights/gguf-k-quants.ts`, BLOCKS, {
    'q6-k-zero-point': ['The zero of Q6_K is 32.', ['(16 * upper + low - 32)', '(16 * upper + low - 31)']],
    'q4-k-minimum-added': [
      'The minimum of Q4_K is subtracted.',
      ['runHalfByte(block, 16, run, j) - minimum', 'runHalfByte(block, 16, run, j) + minimum'],
    ],
    'k-scales-unsplit': [
      'Scales of the last four runs have two bits elsewhere.',
      ['((byte(r) >> 6) << 4) | (byte(8 + r) & 15)', 'byte(8 + r) & 15'],
    ],
  }),
]
