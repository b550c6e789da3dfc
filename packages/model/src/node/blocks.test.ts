/** Matrices in blocks, read from a file by ONNX Runtime, against their definition in float64. */
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { BlockActivations, BlockMatrix } from '../graph/block-matrix.ts'
import { type FileTensor, Graph } from '../graph/graph.ts'
import { applyMatrix, matrixRows } from '../graph/ops/matrix.ts'
import type { DType, TensorData } from '../graph/runtime.ts'
import { OrtRuntime } from '../runtime/index.ts'

let runtime: OrtRuntime
let weightsFolder: string
beforeAll(async () => {
  runtime = new OrtRuntime({ threads: 1 })
  weightsFolder = await realpath(await mkdtemp(join(tmpdir(), 'blocks-test-')))
})
afterAll(async () => {
  runtime[Symbol.dispose]()
  await rm(weightsFolder, { recursive: true })
})

interface Layout {
  readonly bits: 4 | 8
  readonly blockSize: number
  readonly inner: number
  readonly hasOffsets: boolean
}

const OUTER = 24
let seed = 1
/** Uniform in [0, 1). */
function random(): number {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0
  return seed / 2 ** 32
}
const floats = (length: number, scale: number) => Float32Array.from({ length }, () => scale * (random() - 0.5))

/** A random matrix in a file of its own, and what its rows are in float32. */
async function randomMatrix({ bits, blockSize, inner, hasOffsets }: Layout) {
  const blocks = Math.ceil(inner / blockSize)
  const zero = 2 ** (bits - 1)
  const numbers = Uint8Array.from({ length: OUTER * blocks * blockSize }, (_, index) => {
    return index % (blocks * blockSize) < inner ? Math.floor(random() * 2 ** bits) : zero
  })
  const pairs = Uint8Array.from({ length: numbers.length / 2 }, (_, i) => {
    return (numbers[2 * i] ?? 0) | ((numbers[2 * i + 1] ?? 0) << 4)
  })
  const scales = floats(OUTER * blocks, 1 / zero) // weights of up to a half
  const offsets = floats(OUTER * blocks, 0.3)
  const parts = [bits === 4 ? pairs : numbers, scales, offsets]
  const file = `${bits}-${blockSize}-${inner}-${hasOffsets}`
  await writeFile(join(weightsFolder, file), Buffer.concat(parts.map((part) => new Uint8Array(part.buffer))))
  const [quantBytes, scaleBytes] = [parts[0]?.byteLength ?? 0, scales.byteLength]
  const tensor = (dtype: DType, shape: number[], offset: number, bytes: number): FileTensor => {
    return { dtype, shape, file, offset, bytes }
  }
  const matrix: BlockMatrix = {
    shape: [OUTER, inner],
    bits,
    blockSize,
    quants: tensor('uint8', [OUTER, blocks, (blockSize * bits) / 8], 0, quantBytes),
    scales: tensor('float32', [OUTER, blocks], quantBytes, scaleBytes),
    ...(hasOffsets && { offsets: tensor('float32', [OUTER, blocks], quantBytes + scaleBytes, scaleBytes) }),
  }
  const rows = Array.from({ length: OUTER }, (_, o) => {
    return Float32Array.from({ length: inner }, (_, i) => {
      const block = o * blocks + Math.floor(i / blockSize)
      const q = (numbers[o * blocks * blockSize + i] ?? 0) - zero
      const scaled = Math.fround(q * (scales[block] ?? 0))
      return hasOffsets ? scaled + (offsets[block] ?? 0) : scaled
    })
  })
  return { matrix, rows }
}

const blocksOf = (blocks: BlockMatrix, activations: BlockActivations) => {
  return { name: 'w', shape: blocks.shape, blocks, activations }
}

async function run(g: Graph, inputs: Record<string, readonly [DType, number[], TensorData]>): Promise<Float32Array> {
  using session = await runtime.load(g.encode(), { weightsFolder })
  using binding = session.bind()
  using stack = new DisposableStack()
  for (const [name, input] of Object.entries(inputs)) binding.input(name, stack.use(runtime.wrap(...input)))
  binding.outputOnHost('y')
  await binding.run()
  const { data } = binding.read('y')
  return data instanceof Float32Array ? data : expect.fail('expected float32')
}

/** `x · matrixᵀ + bias` by the graph, and the largest difference from float64. */
async function worstProduct(layout: Layout, rowsOfX: number, activations: BlockActivations): Promise<number> {
  const { matrix, rows } = await randomMatrix(layout)
  const x = floats(rowsOfX * layout.inner, 2)
  const bias = floats(OUTER, 2)
  const g = new Graph()
  const rowsIn = g.input('x', 'float32', 'r i', ['r', layout.inner])
  const biasIn = g.constant('float32', 'o', [OUTER], bias)
  g.output('y', applyMatrix(g, rowsIn, blocksOf(matrix, activations), biasIn))
  const found = await run(g, { x: ['float32', [rowsOfX, layout.inner], x] })
  const differences = Array.from(found, (value, index) => {
    const [row, outer] = [Math.floor(index / OUTER), index % OUTER]
    const weights = rows[outer] ?? new Float32Array()
    const dot = weights.reduce((sum, w, i) => sum + w * (x[row * layout.inner + i] ?? Number.NaN), 0)
    return Math.abs(value - dot - (bias[outer] ?? Number.NaN))
  })
  expect(found).toHaveLength(rowsOfX * OUTER)
  return Math.max(...differences)
}

const LAYOUTS = ([4, 8] as const).flatMap((bits) =>
  [16, 32, 64, 128, 256].flatMap((blockSize) =>
    [blockSize * 2, blockSize * 2 + blockSize / 2].flatMap((inner) =>
      [false, true].map((hasOffsets): Layout => ({ bits, blockSize, inner, hasOffsets })),
    ),
  ),
)

describe.each(LAYOUTS)(
  'a matrix of $bits bits in blocks of $blockSize, $inner wide, offsets: $hasOffsets',
  (layout) => {
    it.each([1, 7])('is multiplied exactly with %d rows', async (rows) => {
      expect(await worstProduct(layout, rows, 'float32')).toBeLessThan(1e-5)
    })

    it.each([1, 7])('is multiplied nearly with %d rows of 8 bits', async (rows) => {
      const worst = await worstProduct(layout, rows, 'int8')
      expect(worst).toBeGreaterThan(1e-4)
      expect(worst).toBeLessThan(0.05)
    })

    it('gives its rows bit by bit', async () => {
      const { matrix, rows } = await randomMatrix(layout)
      const picked = [3, 0, 23, 3]
      const g = new Graph()
      const ids = g.input('ids', 'int32', 'r', ['r'])
      g.output('y', matrixRows(g, blocksOf(matrix, 'int8'), ids))
      const found = await run(g, { ids: ['int32', [picked.length], Int32Array.from(picked)] })
      expect(found).toEqual(Float32Array.from(picked.flatMap((row) => [...(rows[row] ?? [])])))
    })
  },
)
