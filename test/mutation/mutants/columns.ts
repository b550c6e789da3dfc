import { mutantsOf } from '../mutant.ts'

const MODEL = 'packages/model/src'
const PRODUCTS = [`${MODEL}/node/columns.test.ts`]
const QUANTISED = [`${MODEL}/weights/quantize-columns.test.ts`]
const FORMS = [`${MODEL}/gemma3/pack-forms.test.ts`]

/** Weights in columns of 8 bits, and the rows that they are multiplied by. */
export const COLUMN_MUTANTS = [
  ...mutantsOf(`${MODEL}/graph/ops/columns.ts`, PRODUCTS, {
    'column-row-scales-forgotten': [
      'A product is worth the scale of its row.',
      ["multiply(g, product, named<'r o'>(scale))", 'product'],
    ],
    'column-row-steps-over-127': [
      'The largest magnitude of a row is 127 steps.',
      ['const STEPS = 127', 'const STEPS = 254'],
    ],
    'column-rows-shared-by-all': [
      'Rows in 8 bits are those of one x.',
      ['x.name}`, () => {', 'x.shape}`, () => {'],
      ['x.name} in 8 bits', 'x.shape} in 8 bits'],
    ],
  }),
  ...mutantsOf(`${MODEL}/weights/quantize-columns.ts`, QUANTISED, {
    'columns-not-turned': ['Columns are stored on their side.', ['quants[i * outer + o] =', 'quants[o * inner + i] =']],
    'column-zero': ['The zero of a column is 128.', ['+ 128.5) | 0', '+ 127.5) | 0']],
    'columns-truncated': ['Columns are rounded to the nearest.', ['+ 128.5) | 0', '+ 128) | 0']],
  }),
  ...mutantsOf(`${MODEL}/gemma3/pack-forms.ts`, FORMS, {
    'columns-everywhere': [
      'The language model has no columns: it meets few rows at a time.',
      ['hasColumns && name.startsWith(VISION_PREFIX)', 'hasColumns'],
    ],
  }),
]
