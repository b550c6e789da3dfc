import { mutantsOf } from '../mutant.ts'

const MODEL = 'packages/model/src'
const PRODUCTS = [`${MODEL}/node/columns.test.ts`]
const QUANTISED = [`${MODEL}/weights/quantize-columns.test.ts`]
const ROUNDED = [`${MODEL}/weights/round-keeping-sum.test.ts`]
const FORMS = [`${MODEL}/gemma3/pack-forms.test.ts`]

/** Weights in columns of 8 bits, and the rows that they are multiplied by. */
export const COLUMN_MUTANTS = [
  ...mutantsOf(`${MODEL}/graph/ops/columns.ts`, PRODUCTS, {
    'column-row-scales-forgotten': [
      'A product is worth the scale of its row.',
      ["multiply(g, product, named<'r o'>(scale))", 'product'],
    ],
    'column-row-steps-too-wide': [
      'The largest magnitude of a row is 63 steps.',
      ['{ zero: 64, steps: 63 }', '{ zero: 64, steps: 31 }'],
    ],
    'column-rows-of-8-bits': [
      'Two products fit into 16 bits.',
      ['{ zero: 64, steps: 63 }', '{ zero: 128, steps: 127 }'],
    ],
    'column-rows-behind-gelu': [
      'The least that a GELU gives is a step that exists.',
      ['-LEAST_OF_GELU / code.zero', '-LEAST_OF_GELU / 64'],
    ],
    'column-rows-shared-by-all': [
      'Rows in 8 bits are those of one x.',
      ['x.name}`, () => {', 'x.shape}`, () => {'],
      ['x.name} in 8 bits', 'x.shape} in 8 bits'],
    ],
  }),
  ...mutantsOf(`${MODEL}/weights/quantize-columns.ts`, QUANTISED, {
    'columns-not-turned': ['Columns are stored on their side.', ['quants[i * outer + o] =', 'quants[o * inner + i] =']],
  }),
  ...mutantsOf(`${MODEL}/weights/round-keeping-sum.ts`, ROUNDED, {
    'columns-truncated': ['Columns are rounded to the nearest.', ['+ limit + 0.5) | 0', '+ limit) | 0']],
    'columns-drift': ['The sum of a row is kept.', ['if (moves > 0) move(', 'if (moves > 1) move(']],
    'columns-moved-back': ['Moves make up for the drift.', ['step: Math.sign(drift)', 'step: -Math.sign(drift)']],
  }),
  ...mutantsOf(`${MODEL}/gemma3/pack-forms.ts`, FORMS, {
    'columns-everywhere': [
      'The language model has no columns: it meets few rows at a time.',
      ['hasColumns && name.startsWith(VISION_PREFIX)', 'hasColumns'],
    ],
  }),
]
