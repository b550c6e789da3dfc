/** Matrices in columns, read from a file by ONNX Runtime, against their definition in float64. */
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Graph } from '../graph/graph.ts'
import type { AnyColumns } from '../graph/matrix.ts'
import { geluTanh } from '../graph/ops/arithmetic.ts'
import { applyMatrix } from '../graph/ops/matrix.ts'
import { named } from '../graph/value.ts'
import { OrtRuntime } from '../runtime/index.ts'
import { quantizeColumns } from '../weights/quantize-columns.ts'

let runtime: OrtRuntime
let weightsFolder: string
beforeAll(async () => {
  runtime = new OrtRuntime({ threads: 1 })
  weightsFolder = await realpath(await mkdtemp(join(tmpdir(), 'columns-test-')))
})
afterAll(async () => {
  runtime[Symbol.dispose]()
  await rm(weightsFolder, { recursive: true })
})

const OUTER = 24
let seed = 3
/** Uniform around zero, up to half of `scale`. */
function floats(length: number, scale: number): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length }, () => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0
    return scale * (seed / 2 ** 32 - 0.5)
  })
}

/** Weights in a file of their own, and what they are once they are rounded. */
async function columnsOf(name: string, weights: Float32Array, inner: number) {
  const { quants, scales } = quantizeColumns(weights, OUTER, inner) ?? expect.fail('every weight is a number')
  await writeFile(
    join(weightsFolder, name),
    Buffer.concat([new Uint8Array(quants.buffer), new Uint8Array(scales.buffer)]),
  )
  const matrix: AnyColumns = {
    name,
    shape: [OUTER, inner],
    columns: {
      shape: [OUTER, inner],
      quants: { dtype: 'int8', shape: [inner, OUTER], file: name, offset: 0, bytes: quants.byteLength },
      scales: {
        dtype: 'float32',
        shape: [OUTER],
        file: name,
        offset: quants.byteLength,
        bytes: scales.byteLength,
      },
    },
  }
  const rounded = Array.from({ length: OUTER }, (_, o) =>
    Array.from({ length: inner }, (_, i) => (quants[i * OUTER + o] ?? Number.NaN) * (scales[o] ?? Number.NaN)),
  )
  return { matrix, rounded }
}

/** `x · matrixᵀ` by each of the matrices. @param x - `[r, inner]` */
async function products(
  x: Float32Array,
  matrices: readonly AnyColumns[],
  bias?: Float32Array,
): Promise<Float32Array[]> {
  const [inner = 0] = matrices.map(({ shape }) => shape[1])
  const g = new Graph()
  const rows = g.input('x', 'float32', 'r i', ['r', inner])
  const shift = bias && g.constant('float32', 'o', [OUTER], bias)
  for (const [index, matrix] of matrices.entries()) g.output(`y${index}`, applyMatrix(g, rows, matrix, shift))
  return await run(
    g,
    x,
    Array.from(matrices.keys(), (index) => `y${index}`),
  )
}

/** @param x - for the only input, `[r, i]` */
async function run(g: Graph, x: Float32Array, outputs: readonly string[]): Promise<Float32Array[]> {
  using session = await runtime.load(g.encode(), { weightsFolder })
  const [port] = session.inputs
  const inner = Number(port?.shape[1])
  using binding = session.bind()
  using input = runtime.wrap('float32', [x.length / inner, inner], x)
  binding.input('x', input)
  for (const name of outputs) binding.outputOnHost(name)
  await binding.run()
  return outputs.map((name) => {
    const { data } = binding.read(name)
    return data instanceof Float32Array ? data : expect.fail('expected float32')
  })
}

/**
 * How far a number may be from the exact product of a row with rounded weights: each x moves by half a step, and float32
 * rounds the result.
 */
function bound(row: Float32Array, weights: readonly number[], expected: number): number {
  const step = Math.max(...row.map(Math.abs)) / 63
  const size = weights.reduce((sum, weight) => sum + Math.abs(weight), 0)
  return size * step * 0.5001 + Math.abs(expected) * 1e-6 + 1e-30
}

describe.each([1, 5, 64, 130])('a matrix in columns, %d wide', (inner) => {
  it.each([1, 7])('is multiplied with %d rows as exactly as rows of 8 bits allow', async (rows) => {
    const { matrix, rounded } = await columnsOf(`w${inner}-${rows}`, floats(OUTER * inner, 1), inner)
    const x = floats(rows * inner, 2)
    const bias = floats(OUTER, 2)
    const [found = new Float32Array()] = await products(x, [matrix], bias)
    expect(found).toHaveLength(rows * OUTER)
    for (const [index, value] of found.entries()) {
      const [r, o] = [Math.floor(index / OUTER), index % OUTER]
      const row = x.subarray(r * inner, (r + 1) * inner)
      const weights = rounded[o] ?? []
      const expected = weights.reduce((sum, weight, i) => sum + weight * (row[i] ?? Number.NaN), bias[o] ?? Number.NaN)
      expect(Math.abs(value - expected)).toBeLessThanOrEqual(bound(row, weights, Math.abs(expected) + 2))
    }
  })
})

describe('rows of 8 bits', () => {
  const INNER = 48
  const rowOf = (y: Float32Array | undefined, row: number) => y?.subarray(row * OUTER, (row + 1) * OUTER)

  it('are exact where every number is a whole step', async () => {
    const { matrix, rounded } = await columnsOf('whole', floats(OUTER * INNER, 1), INNER)
    const x = Float32Array.from({ length: INNER }, (_, i) => (i % 2 === 0 ? 63 : -63 + (i % 5)))
    const [y] = await products(x, [matrix])
    for (const [o, weights] of rounded.entries()) {
      const expected = weights.reduce((sum, weight, i) => sum + weight * (x[i] ?? Number.NaN), 0)
      expect(y?.[o]).toBeCloseTo(expected, 3)
    }
  })

  // Sums of two products in 16 bits would, of rows of 8 bits: 2 · 255 · 127 is more than they hold.
  it.each([-3, 3])('do not saturate where all products have one sign, of %d', async (number) => {
    const { matrix } = await columnsOf(`ones ${number}`, new Float32Array(OUTER * INNER).fill(1), INNER)
    const [y] = await products(new Float32Array(INNER).fill(number), [matrix])
    for (const value of y ?? []) expect(value).toBeCloseTo(number * INNER, 3)
  })

  it('of zeros give the bias, and of tiny numbers nothing but it', async () => {
    const { matrix } = await columnsOf('zeros', floats(OUTER * INNER, 1), INNER)
    const bias = floats(OUTER, 1)
    const x = new Float32Array(2 * INNER)
    x.fill(1e-38, INNER)
    const [y] = await products(x, [matrix], bias)
    expect(rowOf(y, 0)).toEqual(bias)
    expect(rowOf(y, 1)).toEqual(bias)
  })

  it('do not pay for the outliers of another row', async () => {
    const { matrix } = await columnsOf('outliers', floats(OUTER * INNER, 1), INNER)
    const calm = floats(INNER, 2)
    const [alone] = await products(calm, [matrix])
    const [beside] = await products(Float32Array.from([...calm, ...floats(INNER, 1e30)]), [matrix])
    expect(rowOf(beside, 0)).toEqual(alone)
    expect([...(rowOf(beside, 1) ?? [])].every(Number.isFinite)).toBe(true)
  })

  it.each([
    ['of NaN', (row: Float32Array) => row.fill(Number.NaN)],
    ['that begin with NaN', (row: Float32Array) => row.fill(Number.NaN, 0, 1)],
    ['with an infinity', (row: Float32Array) => row.fill(Number.POSITIVE_INFINITY, 17, 18)],
    ['with a negative infinity', (row: Float32Array) => row.fill(Number.NEGATIVE_INFINITY, 47)],
  ] as const)('%s give no finite number, other rows what they gave', async (_, spoil) => {
    const { matrix } = await columnsOf('wrong', floats(OUTER * INNER, 1), INNER)
    const calm = floats(INNER, 2)
    const [alone] = await products(calm, [matrix])
    const [y] = await products(Float32Array.from([...calm, ...spoil(floats(INNER, 2))]), [matrix])
    expect(rowOf(y, 0)).toEqual(alone)
    expect([...(rowOf(y, 1) ?? [])].some(Number.isFinite)).toBe(false)
  })

  it.each([
    [8, 0],
    [0.08, 0],
    [0.4, -0.75], // nothing but the least that it gives
  ])('behind a GELU have steps of their own, over %d round %d', async (spread, middle) => {
    const { matrix, rounded } = await columnsOf(`gelu${spread}`, floats(OUTER * INNER, 1), INNER)
    const x = floats(5 * INNER, spread).map((number) => number + middle)
    const g = new Graph()
    const wide = geluTanh(g, g.input('x', 'float32', 'r i', ['r', INNER]))
    g.output('gelu', wide)
    g.output('y', applyMatrix(g, wide, matrix))
    const [gelu = new Float32Array(), y = new Float32Array()] = await run(g, x, ['gelu', 'y'])
    for (const [index, value] of y.entries()) {
      const [r, o] = [Math.floor(index / OUTER), index % OUTER]
      const row = gelu.subarray(r * INNER, (r + 1) * INNER)
      const weights = rounded[o] ?? []
      const expected = weights.reduce((sum, weight, i) => sum + weight * (row[i] ?? Number.NaN), 0)
      const size = weights.reduce((sum, weight) => sum + Math.abs(weight), 0)
      const step = Math.max(Math.max(...row) / 111, 0.17005 / 16)
      expect(Math.abs(value - expected)).toBeLessThanOrEqual(size * step * 0.5001 + 1e-6)
    }
  })

  it.each([Number.NaN, Number.POSITIVE_INFINITY])('behind a GELU give no finite number of %d', async (wrong) => {
    const { matrix } = await columnsOf(`gelu ${wrong}`, floats(OUTER * INNER, 1), INNER)
    const g = new Graph()
    const wide = geluTanh(g, g.input('x', 'float32', 'r i', ['r', INNER]))
    g.output('y', applyMatrix(g, wide, matrix))
    const [y] = await run(g, Float32Array.from([...new Float32Array(INNER).fill(wrong), ...floats(INNER, 2)]), ['y'])
    expect([...(rowOf(y, 0) ?? [])].some(Number.isFinite)).toBe(false)
    expect([...(rowOf(y, 1) ?? [])].every(Number.isFinite)).toBe(true)
  })

  it('are those of what a matrix reads, also behind another one', async () => {
    const square = await columnsOf('square', floats(OUTER * OUTER, 1), OUTER)
    const x = floats(3 * OUTER, 2)
    const g = new Graph()
    const middle = applyMatrix(g, g.input('x', 'float32', 'r i', ['r', OUTER]), square.matrix)
    g.output('y', applyMatrix(g, named<'r i'>(middle), square.matrix))
    const [between = new Float32Array()] = await products(x, [square.matrix])
    expect(await run(g, x, ['y'])).toEqual(await products(between, [square.matrix]))
  })

  it('are rounded once for all matrices that they meet', async () => {
    const first = await columnsOf('first', floats(OUTER * INNER, 1), INNER)
    const second = await columnsOf('second', floats(OUTER * INNER, 1), INNER)
    const x = floats(3 * INNER, 2)
    const [a, b] = await products(x, [first.matrix, second.matrix])
    expect([a]).toEqual(await products(x, [first.matrix]))
    expect([b]).toEqual(await products(x, [second.matrix]))
  })
})
