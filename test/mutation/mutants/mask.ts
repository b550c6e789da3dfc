import { mutantsOf } from '../mutant.ts'

const MODEL = 'packages/model/src'
const GRIDS = [`${MODEL}/node/masks.test.ts`]
const GOLDEN = ['test/golden/vl/vl.test.ts']

/** What each token sees: once as the runtime computes it, once as it is drawn for whoever asks. */
export const MASK_MUTANTS = [
  ...mutantsOf(`${MODEL}/gemma3/mask.ts`, GOLDEN, {
    'window-one-longer': [
      'A local query sees W keys, itself included.',
      ['addNumber(g, q, -window)', 'addNumber(g, q, -window - 1)'],
    ],
    'window-one-shorter': [
      'A local query sees the key W - 1 back.',
      ['addNumber(g, q, -window)', 'addNumber(g, q, 1 - window)'],
    ],
    'images-mutually-visible': [
      'Two images do not see each other.',
      [
        'equal(g, queryBlock, keyBlock)',
        'equal(g, isAbove(g, queryBlock, TEXT_BLOCK), isAbove(g, keyBlock, TEXT_BLOCK))',
      ],
    ],
    'image-causal': [
      'A token of an image sees all of the image.',
      ['either(g, lessOrEqual(g, k, q), isSameImage)', 'lessOrEqual(g, k, q)'],
    ],
    'image-causal-on-local-layers': [
      'A token of an image sees all of it on local layers too.',
      [
        'both(g, isVisible, greater(g, k, addNumber(g, q, -window)))',
        'both(g, both(g, isVisible, lessOrEqual(g, k, q)), greater(g, k, addNumber(g, q, -window)))',
      ],
    ],
    'image-causal-on-global-layers': [
      'A token of an image sees all of it on global layers too.',
      ['window === undefined ? isVisible', 'window === undefined ? both(g, isVisible, lessOrEqual(g, k, q))'],
    ],
    'text-not-causal': [
      'Text sees only what is before it.',
      ['isAbove(g, keyBlock, TEXT_BLOCK))', 'isAbove(g, keyBlock, TEXT_BLOCK - 1))'],
    ],
    'self-hidden': ['A token sees itself.', ['lessOrEqual(g, k, q)', 'lessOrEqual(g, k, addNumber(g, q, -1))']],
    'padding-visible': [
      'No query sees padding.',
      ['both(g, isInReach, isAbove(g, keyBlock, HIDDEN_BLOCK))', 'isInReach'],
    ],
    'padding-sees-nothing-at-all': [
      'A row that sees nothing stays finite.',
      ['const HIDDEN_SCORE = -3.4028234663852886e38', 'const HIDDEN_SCORE = Number.NEGATIVE_INFINITY'],
    ],
  }),
  ...mutantsOf(`${MODEL}/gemma3/mask.ts`, GRIDS, {
    'image-unlimited-by-window': [
      'The window limits a token of an image looking back.',
      [
        'both(g, isVisible, greater(g, k, addNumber(g, q, -window)))',
        'both(g, isVisible, either(g, isSameImage, greater(g, k, addNumber(g, q, -window))))',
      ],
    ],
    'blocks-merge': [
      'Each run of image tokens is a block of its own.',
      ['ids[t - 1] !== imageTokenId) count++', 'count === 0) count++'],
    ],
    'drawn-window-one-longer': ['The drawn window is W keys.', ['k > q - window ?', 'k >= q - window ?']],
    'drawn-images-mutually-visible': [
      'Two images are drawn apart.',
      ['queryBlock > TEXT_BLOCK && queryBlock === keyBlock', 'queryBlock > TEXT_BLOCK && keyBlock > TEXT_BLOCK'],
    ],
    'drawn-image-causal': ['An image is drawn seeing all of itself.', ['!(k <= q || isSameImage)', '!(k <= q)']],
    'drawn-padding-visible': [
      'Padding is drawn hidden.',
      ['keyBlock === HIDDEN_BLOCK || queryBlock === HIDDEN_BLOCK || ', ''],
    ],
  }),
]
