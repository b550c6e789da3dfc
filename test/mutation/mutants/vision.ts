import { mutantsOf } from '../mutant.ts'

const MODEL = 'packages/model/src'
const GOLDEN = ['test/golden/vl/vl.test.ts']
const SCALED = ['test/golden/vl/scaled.test.ts']
const SCALARS = [`${MODEL}/node/scalars.test.ts`]

/** The vision tower and the projector. */
export const VISION_MUTANTS = [
  ...mutantsOf(`${MODEL}/gemma3/vision.ts`, GOLDEN, {
    'tower-post-norm-skipped': [
      'The projector reads what the closing norm of the tower gives.',
      ['return layerNorm(g, p.layerNorm(', 'return x ?? layerNorm(g, p.layerNorm('],
    ],
    'encoder-norm-after-add': [
      'An encoder layer norms what attention reads, not what it returns.',
      [
        'add(g, x, selfAttention(g, w.attention, layerNorm(g, w.attentionIn, x), heads))',
        'layerNorm(g, w.attentionIn, add(g, x, selfAttention(g, w.attention, x, heads)))',
      ],
    ],
    'encoder-mlp-not-normed': [
      'An encoder layer norms what its MLP reads.',
      ['linear(g, w.expand, layerNorm(g, w.mlpIn, middle))', 'linear(g, w.expand, middle)'],
    ],
    'encoder-layer-missing': [
      'Every encoder layer is run.',
      ['layer < layers; layer++) x = encoderLayer', 'layer < layers - 1; layer++) x = encoderLayer'],
    ],
    'places-not-added': [
      'Each patch is told its place.',
      ['let x = add(g, patchEmbed(g,', 'let x = (patchEmbed(g,'],
      ['patches), places)', 'patches))'],
    ],
  }),
  ...mutantsOf(`${MODEL}/layers/attention.ts`, GOLDEN, {
    'tower-scale-from-width': [
      'The scores of the tower are divided by the root of the head size.',
      ['const headSize = Number(query.shape[2]) / heads', 'const headSize = Number(query.shape[2])'],
    ],
  }),
  ...mutantsOf(`${MODEL}/layers/patch-embed.ts`, GOLDEN, {
    'patch-channels-first': [
      'Channels vary fastest in a patch, slowest in the kernel.',
      ["'d y x c', [0, 2, 3, 1]", "'d c y x', [0, 1, 2, 3]"],
    ],
    'patch-rows-and-columns-swapped': [
      'A patch is read row by row.',
      ["'d y x c', [0, 2, 3, 1]", "'d x y c', [0, 3, 2, 1]"],
    ],
  }),
  ...mutantsOf(`${MODEL}/pipeline/pixels.ts`, GOLDEN, {
    'pixels-not-centred': ['Pixels are centred at zero.', ['Math.fround(unit - 0.5) / 0.5', 'unit / 0.5']],
    'pixels-in-half-range': [
      'Pixels reach from -1 to 1.',
      ['Math.fround(unit - 0.5) / 0.5', 'Math.fround(unit - 0.5)'],
    ],
    'pixels-over-256': ['White is 255.', ['Math.fround(byte / 255)', 'Math.fround(byte / 256)']],
  }),
  ...mutantsOf(`${MODEL}/layers/linear.ts`, GOLDEN, {
    'tower-biases-missing': [
      'The linear maps of the tower have biases.',
      ["named<'b t i'>(x), w.weight, w.bias)", "named<'b t i'>(x), w.weight)"],
    ],
  }),
  ...mutantsOf(`${MODEL}/layers/layer-norm.ts`, SCALARS, {
    'layer-norm-epsilon': ['The epsilon of a layer norm is added to the variance.', ['w.epsilon)', '10 * w.epsilon)']],
  }),
  ...mutantsOf(`${MODEL}/gemma3/vision.ts`, SCALED, {
    'tower-epsilon-fixed': [
      'The epsilon of the tower is the one of its config.',
      ['.layer_norm1`, d, layerNormEps)', '.layer_norm1`, d, 1e-5)'],
    ],
  }),
  ...mutantsOf(`${MODEL}/gemma3/projector.ts`, GOLDEN, {
    'projector-transposed': [
      'The projector multiplies by its matrix as it is stored.',
      ['import { matmul } from', 'import { matmulTransposed } from'],
      ['matmul(g, rows, matrix)', "matmulTransposed(g, rows, reshape(g, matrix, 'o i', [outer, inner]))"],
    ],
    'pool-column-major': [
      'Image features come row by row.',
      [
        "import { reshape } from '../graph/ops/layout.ts'",
        "import { reshape, transpose } from '../graph/ops/layout.ts'",
      ],
      [
        "meanOver(g, tiled, [2, 4], 'b y x d')",
        "transpose(g, meanOver(g, tiled, [2, 4], 'b y x d'), 'b x y d', [0, 2, 1, 3])",
      ],
    ],
    'pool-strided': [
      'A feature is the mean of neighbours.',
      [
        "'b y j x i d', [batch, side, square, side, square, inner]",
        "'b j y i x d', [batch, square, side, square, side, inner]",
      ],
      ['[2, 4]', '[1, 3]'],
    ],
    'projector-norm-missing': ['Pooled patches are normed.', ['rmsNorm(g, norm, pooled)', 'pooled']],
    'projector-norm-before-pool': [
      'Patches are pooled before they are normed.',
      ['reshape(g, states, ', 'reshape(g, rmsNorm(g, norm, states), '],
      ['rmsNorm(g, norm, pooled)', 'pooled'],
    ],
  }),
  ...mutantsOf(`${MODEL}/gemma3/projector.ts`, SCALED, {
    'projector-epsilon-fixed': [
      'The epsilon of the projector is that of the tower.',
      ['.mm_soft_emb_norm`, inner, layernormEpsilon)', '.mm_soft_emb_norm`, inner, 1e-5)'],
    ],
  }),
]
