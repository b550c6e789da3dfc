import { describe, expect, it } from 'vitest'
import type { BlockMatrix } from '../block-matrix.ts'
import type { ColumnMatrix } from '../column-matrix.ts'
import { Graph } from '../graph.ts'
import type { AnyBlocks, AnyColumns, AnyMatrix } from '../matrix.ts'
import type { DType } from '../runtime.ts'
import type { Shape } from '../shape.ts'
import { type AnyValue, named, type Value } from '../value.ts'
import { add, addNumber, cast, cosine, divideBy, geluTanh, multiply, scaleBy, sine } from './arithmetic.ts'
import { fullAttention, groupQueryAttention, rotate } from './attend.ts'
import { expectBlocks } from './blocks.ts'
import { expectColumns } from './columns.ts'
import {
  besideEachOther,
  countUp,
  firstColumns,
  gatherRows,
  lastOfEachRow,
  padColumns,
  pickInRows,
  replaceRows,
  reshape,
  transpose,
} from './layout.ts'
import { matmul, matmulTransposed } from './linear.ts'
import { both, choose, either, equal, greater, isAbove, lessOrEqual } from './logic.ts'
import { applyMatrix, matrixRows } from './matrix.ts'
import { layerNormalize, meanOver, rmsNormalize } from './normalize.ts'

const AXES = ['', 'a', 'a b', 'a b c', 'a b c d', 'a b c d e']

/** A graph and inputs of any shape for it. */
function bench() {
  const g = new Graph()
  let count = 0
  const input = <A extends string>(shape: Shape, dtype: DType = 'float32'): Value<A> =>
    named(g.input(`x${count++}`, dtype, AXES[shape.length] ?? '', shape))
  return { g, input }
}

type Bench = ReturnType<typeof bench>

const RESULTS: Record<string, [(b: Bench) => AnyValue, Shape, DType]> = {
  'add stretches sizes of 1': [({ g, input }) => add(g, input(['b', 1]), input(['b', 't'])), ['b', 't'], 'float32'],
  multiply: [({ g, input }) => multiply(g, input([2]), input([2])), [2], 'float32'],
  addNumber: [({ g, input }) => addNumber(g, input(['t'], 'int32'), -3), ['t'], 'int32'],
  scaleBy: [({ g, input }) => scaleBy(g, input(['t']), 0.5), ['t'], 'float32'],
  divideBy: [({ g, input }) => divideBy(g, input(['t']), 255), ['t'], 'float32'],
  cosine: [({ g, input }) => cosine(g, input(['t'])), ['t'], 'float32'],
  sine: [({ g, input }) => sine(g, input(['t'])), ['t'], 'float32'],
  geluTanh: [({ g, input }) => geluTanh(g, input(['t'])), ['t'], 'float32'],
  cast: [({ g, input }) => cast(g, input(['t'], 'bfloat16'), 'float32'), ['t'], 'float32'],
  equal: [({ g, input }) => equal(g, input(['b', 1]), input([1, 't'])), ['b', 't'], 'bool'],
  lessOrEqual: [({ g, input }) => lessOrEqual(g, input(['t']), input(['t'])), ['t'], 'bool'],
  greater: [({ g, input }) => greater(g, input(['t']), input(['t'])), ['t'], 'bool'],
  isAbove: [({ g, input }) => isAbove(g, input(['t'], 'int32'), 0), ['t'], 'bool'],
  both: [({ g, input }) => both(g, input(['t'], 'bool'), input(['t'], 'bool')), ['t'], 'bool'],
  either: [({ g, input }) => either(g, input(['t'], 'bool'), input(['t'], 'bool')), ['t'], 'bool'],
  choose: [({ g, input }) => choose(g, input(['t'], 'bool'), 0, 1), ['t'], 'float32'],
  reshape: [({ g, input }) => reshape(g, input(['b', 6]), 'b n h', ['b', 2, 3]), ['b', 2, 3], 'float32'],
  transpose: [({ g, input }) => transpose(g, input([2, 3, 'b']), 'c a b', [2, 0, 1]), ['b', 2, 3], 'float32'],
  gatherRows: [
    ({ g, input }) => gatherRows(g, input([9, 4], 'float16'), input(['b', 't'], 'int32'), 'b t d'),
    ['b', 't', 4],
    'float16',
  ],
  firstColumns: [({ g, input }) => firstColumns(g, input(['r', 9]), 4), ['r', 4], 'float32'],
  padColumns: [({ g, input }) => padColumns(g, input(['r', 9]), 16), ['r', 16], 'float32'],
  besideEachOther: [
    ({ g, input }) => besideEachOther<string>(g, [input(['r', 4]), input(['r', 3])]),
    ['r', 7],
    'float32',
  ],
  'applyMatrix of blocks': [({ g, input }) => applyMatrix(g, input(['r', 40]), inBlocks()), ['r', 7], 'float32'],
  'applyMatrix of columns': [({ g, input }) => applyMatrix(g, input(['r', 40]), inColumns()), ['r', 7], 'float32'],
  'applyMatrix of 16 bits': [({ g, input }) => applyMatrix(g, input(['r', 40]), narrow()), ['r', 7], 'float32'],
  'matrixRows of blocks': [({ g, input }) => matrixRows(g, inBlocks(), input(['t'], 'int32')), ['t', 40], 'float32'],
  'matrixRows of 16 bits': [({ g, input }) => matrixRows(g, narrow(), input(['t'], 'int32')), ['t', 40], 'float32'],
  lastOfEachRow: [({ g, input }) => lastOfEachRow(g, input<'b t'>(['b', 't'], 'int32')), ['b'], 'int32'],
  pickInRows: [
    ({ g, input }) => pickInRows(g, input<'b s'>(['b', 's']), input<'b t'>(['b', 't'], 'int32')),
    ['b', 't'],
    'float32',
  ],
  replaceRows: [
    ({ g, input }) => replaceRows(g, input(['r', 4]), input(['m'], 'int64'), input(['m', 4])),
    ['r', 4],
    'float32',
  ],
  countUp: [({ g, input }) => [input(['b', 't']), countUp(g, 'b*t')][1] ?? input([]), ['b*t'], 'int64'],
  matmulTransposed: [
    ({ g, input }) => matmulTransposed(g, input(['r', 4]), input([7, 4]), input([7])),
    ['r', 7],
    'float32',
  ],
  matmul: [({ g, input }) => matmul(g, input(['r', 4]), input([4, 7])), ['r', 7], 'float32'],
  rmsNormalize: [({ g, input }) => rmsNormalize(g, input(['b', 4]), input([4]), 1e-6), ['b', 4], 'float32'],
  layerNormalize: [
    ({ g, input }) => layerNormalize(g, input(['b', 4]), { gain: input([4]), shift: input([4]) }, 1e-6),
    ['b', 4],
    'float32',
  ],
  meanOver: [({ g, input }) => meanOver(g, input(['b', 2, 3, 4]), [1, 3], 'b c'), ['b', 3], 'float32'],
  rotate: [
    ({ g, input }) => rotate(g, input(['b', 't', 12]), input(['b', 't'], 'int64'), tables(input), 3),
    ['b', 't', 12],
    'float32',
  ],
  fullAttention: [({ g, input }) => fullAttention(g, triple(input, ['b', 9, 8]), 2, 0.5), ['b', 9, 8], 'float32'],
  groupQueryAttention: [(b) => groupQuery(b).seen, ['b', 't', 16], 'float32'],
}

const SLICE = { file: 'model.safetensors', offset: 0, bytes: 0 }

/** `[7, 40]`: a block and a quarter of one a row. */
function inBlocks(): AnyBlocks {
  const blocks: BlockMatrix = {
    shape: [7, 40],
    bits: 4,
    blockSize: 32,
    quants: { dtype: 'uint8', shape: [7, 2, 16], ...SLICE },
    scales: { dtype: 'float32', shape: [7, 2], ...SLICE },
    offsets: { dtype: 'float32', shape: [7, 2], ...SLICE },
  }
  return { name: 'w', shape: blocks.shape, blocks, activations: 'int8' }
}

function inColumns(): AnyColumns {
  const columns: ColumnMatrix = {
    shape: [7, 40],
    quants: { dtype: 'uint8', shape: [40, 7], ...SLICE },
    scales: { dtype: 'float32', shape: [7], ...SLICE },
  }
  return { name: 'w', shape: columns.shape, columns }
}

function narrow(): AnyMatrix {
  return { name: 'w', shape: [7, 40], narrow: { dtype: 'bfloat16', shape: [7, 40], ...SLICE } }
}

function tables(input: Bench['input']) {
  return { cosines: input<'r h'>(['r', 2]), sines: input<'r h'>(['r', 2]) }
}

function triple(input: Bench['input'], shape: Shape) {
  return { query: input<'b p nh'>(shape), key: input<'b p nh'>(shape), value: input<'b p nh'>(shape) }
}

/** Four query heads and two key heads of four places, but for what `change` says. */
function groupQuery({ g, input }: Bench, change: { key?: Shape; bias?: Shape; values?: Shape } = {}) {
  const heads = {
    query: input<'b t nh'>(['b', 't', 16]),
    key: input<'b t kh'>(change.key ?? ['b', 't', 8]),
    value: input<'b t kh'>(['b', 't', 8]),
  }
  const past = {
    keys: input<'b k c h'>(['b', 2, 'c', 4]),
    values: input<'b k c h'>(change.values ?? ['b', 2, 'c', 4]),
  }
  return groupQueryAttention(g, heads, past, {
    queryHeads: 4,
    keyHeads: 2,
    lastSlot: input(['b'], 'int32'),
    filled: input([1], 'int32'),
    sight: { bias: input(change.bias ?? ['b', 1, 't', 's']) },
    fuses: 'nothing',
  })
}

describe('the shape and type of', () => {
  it.each(Object.entries(RESULTS))('%s', (_, [build, shape, dtype]) => {
    const value = build(bench())
    expect({ shape: value.shape, dtype: value.dtype }).toEqual({ shape, dtype })
  })

  it('a cache after attention are those before', () => {
    const { present } = groupQuery(bench())
    expect(present.keys.shape).toEqual(['b', 2, 'c', 4])
    expect(present.keys.name).not.toBe(present.values.name)
  })
})

const FAULTS: Record<string, [(b: Bench) => unknown, RegExp]> = {
  'sizes that differ': [
    ({ g, input }) => add(g, input([2]), input([3])),
    /Add of fitting shapes, found \[2\] and \[3\]/,
  ],
  'types that differ': [({ g, input }) => add(g, input([2]), input([2], 'int32')), /one type, found float32 and int32/],
  'a reshape to another count': [
    ({ g, input }) => reshape(g, input(['b', 6]), 'b d', ['b', 7]),
    /of \[b, 6\], found \[b, 7\]/,
  ],
  'a reshape with other axes': [({ g, input }) => reshape(g, input([6]), 'a b', [6]), /axes "a b", found \[6\]/],
  'a short permutation': [({ g, input }) => transpose(g, input([2, 3]), 'a', [0]), /permutation of 2 axes, found 0/],
  'an axis that is not there': [({ g, input }) => transpose(g, input([2, 3]), 'a b', [0, 5]), /axis below 2, found 5/],
  'a table of one axis': [({ g, input }) => gatherRows(g, input([2]), input([1]), 'a b'), /two axes, found 1/],
  'indices of other rows': [
    ({ g, input }) => pickInRows(g, input<'b s'>(['b', 's']), input<'b t'>(['r', 't'])),
    /indices of shape \[b, \?\], found \[r, t\]/,
  ],
  'new rows of another width': [
    ({ g, input }) => replaceRows(g, input(['r', 4]), input(['m'], 'int64'), input(['m', 5])),
    /new rows of shape \[m, 4\], found \[m, 5\]/,
  ],
  'a weight of another width': [
    ({ g, input }) => matmulTransposed(g, input(['r', 4]), input([7, 5])),
    /a weight of shape \[7, 4\], found \[7, 5\]/,
  ],
  'blocks of another width': [
    ({ g, input }) => applyMatrix(g, input(['r', 41]), inBlocks()),
    /a weight of shape \[7, 41\], found \[7, 40\]/,
  ],
  'a bias of another length than blocks': [
    ({ g, input }) => applyMatrix(g, input(['r', 40]), inBlocks(), input([6])),
    /a bias of shape \[7\], found \[6\]/,
  ],
  'a bias of another length than a matrix of 16 bits': [
    ({ g, input }) => applyMatrix(g, input(['r', 40]), narrow(), input([6])),
    /a bias of shape \[7\], found \[6\]/,
  ],
  'columns of another width': [
    ({ g, input }) => applyMatrix(g, input(['r', 41]), inColumns()),
    /a weight of shape \[7, 41\], found \[7, 40\]/,
  ],
  'a bias of another length than columns': [
    ({ g, input }) => applyMatrix(g, input(['r', 40]), inColumns(), input([6])),
    /a bias of shape \[7\], found \[6\]/,
  ],
  'columns that meet rows of 16 bits': [
    ({ g, input }) => applyMatrix(g, input(['r', 40], 'float16'), inColumns()),
    /rows of float32, found float16/,
  ],
  'rows that are picked of columns': [
    ({ g, input }) => matrixRows(g, inColumns(), input(['r'], 'int64')),
    /a table of rows, found columns/,
  ],
  'columns that stand': [
    ({ g }) => expectColumns(g, { ...inColumns().columns, quants: { dtype: 'uint8', shape: [7, 40], ...SLICE } }),
    /columns of shape \[40, 7\], found \[7, 40\]/,
  ],
  'scales of other columns': [
    ({ g }) => expectColumns(g, { ...inColumns().columns, scales: { dtype: 'float32', shape: [40], ...SLICE } }),
    /scales of shape \[7\], found \[40\]/,
  ],
  'scales of other blocks': [
    ({ g }) => expectBlocks(g, { ...inBlocks().blocks, scales: { dtype: 'float32', shape: [7, 3], ...SLICE } }),
    /scales of shape \[7, 2\], found \[7, 3\]/,
  ],
  'quants of other bits': [
    ({ g }) => expectBlocks(g, { ...inBlocks().blocks, bits: 8 }),
    /quants of shape \[7, 2, 32\], found \[7, 2, 16\]/,
  ],
  'offsets of other blocks': [
    ({ g }) => expectBlocks(g, { ...inBlocks().blocks, offsets: { dtype: 'float32', shape: [2, 7], ...SLICE } }),
    /offsets of shape \[7, 2\], found \[2, 7\]/,
  ],
  'no matrix at all': [({ g }) => besideEachOther(g, []), /at least one matrix, found none/],
  'a bias of another length': [
    ({ g, input }) => matmulTransposed(g, input(['r', 4]), input([7, 4]), input([6])),
    /a bias of shape \[7\], found \[6\]/,
  ],
  'a matrix the other way round': [
    ({ g, input }) => matmul(g, input(['r', 4]), input([7, 4])),
    /\[4, 4\], found \[7, 4\]/,
  ],
  'a gain of another length': [({ g, input }) => rmsNormalize(g, input([4]), input([5]), 1e-6), /gain of shape \[4\]/],
  'a shift of another length': [
    ({ g, input }) => layerNormalize(g, input([4]), { gain: input([4]), shift: input([3]) }, 1e-6),
    /shift of shape \[4\], found \[3\]/,
  ],
  'a mean with other axes': [({ g, input }) => meanOver(g, input([2, 3]), [1], 'a b'), /axes "a b", found \[2\]/],
  'heads that are wider than the table': [
    ({ g, input }) => rotate(g, input(['b', 't', 16]), input(['b', 't'], 'int64'), tables(input), 3),
    /rotate of shape \[b, t, 12\], found \[b, t, 16\]/,
  ],
  'keys of another width': [
    (b) => groupQuery(b, { key: ['b', 't', 16] }),
    /keys of shape \[b, t, 8\], found \[b, t, 16\]/,
  ],
  'a bias of other queries': [(b) => groupQuery(b, { bias: ['b', 1, 's', 's'] }), /bias of shape \[b, 1, t, \?\]/],
  'caches that differ': [(b) => groupQuery(b, { values: ['b', 2, 'c', 8] }), /cached values of shape \[b, 2, c, 4\]/],
}

describe('reports', () => {
  it.each(Object.entries(FAULTS))('%s', (_, [build, message]) => {
    const b = bench()
    expect(() => b.g.at('model.layers.1', () => build(b))).toThrow(message)
    expect(() => b.g.at('model.layers.1', () => build(b))).toThrow(/^model\.layers\.1: expected /)
  })
})
