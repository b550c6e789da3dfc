/** Matrices that stay in 16 bits, multiplied by ONNX Runtime. */
import { mkdtemp, open, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Graph } from '../graph/graph.ts'
import type { AnyMatrix } from '../graph/matrix.ts'
import { applyMatrix, matrixRows } from '../graph/ops/matrix.ts'
import { OrtRuntime } from '../runtime/index.ts'
import { bfloat16ToNumber, float16ToNumber } from '../weights/dtype.ts'

let runtime: OrtRuntime
let weightsFolder: string
beforeAll(async () => {
  runtime = new OrtRuntime({ threads: 1 })
  weightsFolder = await realpath(await mkdtemp(join(tmpdir(), 'narrow-test-')))
})
afterAll(async () => {
  runtime[Symbol.dispose]()
  await rm(weightsFolder, { recursive: true })
})

const matrixIn = (file: string, dtype: 'bfloat16' | 'float16', shape: [number, number]): AnyMatrix => {
  return { name: 'w', shape, narrow: { dtype, shape, file, offset: 0, bytes: 2 * shape[0] * shape[1] } }
}

async function load(build: (g: Graph) => void) {
  const g = new Graph()
  build(g)
  return runtime.load(g.encode(), { weightsFolder })
}

describe.each([
  ['bfloat16', bfloat16ToNumber],
  ['float16', float16ToNumber],
] as const)('a matrix of %s', (dtype, toNumber) => {
  const [outer, inner] = [2001, 4500] // three pieces, the last one shorter
  // Every sign and fraction, exponents around that of 1.
  const bits = Uint16Array.from({ length: outer * inner }, (_, i) => ((i * 40503) & 0x83ff) | 0x3800)
  const weight = (o: number, i: number) => toNumber(bits[o * inner + i] ?? 0)
  beforeAll(() => writeFile(join(weightsFolder, dtype), bits))

  it('is multiplied as float32, in pieces', async () => {
    const rows = 2
    const x = Float32Array.from({ length: rows * inner }, (_, i) => Math.sin(1.7 * i))
    const bias = Float32Array.from({ length: outer }, (_, o) => Math.cos(o))
    using session = await load((g) => {
      const xIn = g.input('x', 'float32', 'r i', ['r', inner])
      g.output(
        'y',
        applyMatrix(g, xIn, matrixIn(dtype, dtype, [outer, inner]), g.constant('float32', 'o', [outer], bias)),
      )
    })
    using input = runtime.wrap('float32', [rows, inner], x)
    using binding = session.bind().input('x', input).outputOnHost('y')
    await binding.run()
    const found = Float32Array.from(binding.read('y').data, Number)
    const worst = found.reduce((most, value, index) => {
      const [row, o] = [Math.floor(index / outer), index % outer]
      let sum = bias[o] ?? Number.NaN
      for (let i = 0; i < inner; i++) sum += weight(o, i) * (x[row * inner + i] ?? Number.NaN)
      return Math.max(most, Math.abs(value - sum))
    }, 0)
    expect(found).toHaveLength(rows * outer)
    expect(worst).toBeLessThan(1e-4)
    // Weights that might have been bound make no input of the model.
    expect(session.inputs.map(({ name }) => name)).toEqual(['x'])
  })

  it('gives its rows', async () => {
    using session = await load((g) => {
      g.output('y', matrixRows(g, matrixIn(dtype, dtype, [outer, inner]), g.input('ids', 'int32', 'r', ['r'])))
    })
    const ids = Int32Array.of(2000, 0, 1234)
    using input = runtime.wrap('int32', [3], ids)
    using binding = session.bind().input('ids', input).outputOnHost('y')
    await binding.run()
    const expected = Array.from(ids, (o) => Array.from({ length: inner }, (_, i) => weight(o, i)))
    expect(binding.read('y').data).toEqual(Float32Array.from(expected.flat()))
  })
})

it('a matrix is not widened while it is loaded', async () => {
  const side = 8192
  const file = await open(join(weightsFolder, 'zeros'), 'w')
  await file.truncate(2 * side * side) // 128 MiB, none of which is on the disk
  await file.close()
  const growth = async (matrix: (g: Graph) => AnyMatrix) => {
    const before = process.memoryUsage().rss
    using session = await load((g) => {
      g.output('y', applyMatrix(g, g.input('x', 'float32', 'r i', ['r', side]), matrix(g)))
    })
    expect(session.inputs).toHaveLength(1)
    return process.memoryUsage().rss - before
  }
  const narrow = matrixIn('zeros', 'bfloat16', [side, side])
  expect(await growth(() => narrow)).toBeLessThan(64 * 2 ** 20)
  // The same numbers as a constant are: this is what the runtime does when it may.
  const constant = 'narrow' in narrow ? narrow.narrow : expect.fail('a narrow matrix')
  expect(await growth((g) => g.stored('w', 'o i', constant))).toBeGreaterThan(200 * 2 ** 20)
})
