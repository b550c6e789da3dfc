import { OrtRuntime } from '@loupe/model/runtime'
import { Graph } from './graph-internals.ts'
import { costOf } from './timing.ts'

const ROWS = 64
/** 256 MB in all: more than any cache. */
const COLUMNS = 1024 * 1024
const READS = 5

/**
 * Bytes a second that so many threads read from memory: ONNX Runtime sums the rows of a buffer of 256 MB, vectorised, and the
 * quickest of five sums counts.
 */
export async function measureBandwidth(threads: number): Promise<number> {
  using runtime = new OrtRuntime({ threads })
  using session = await runtime.load(sumGraph())
  // Written to: pages that never were are all the same one.
  const data = new Float32Array(ROWS * COLUMNS).fill(1)
  using x = runtime.wrap('float32', [ROWS, COLUMNS], data)
  using y = runtime.wrap('float32', [ROWS], new Float32Array(ROWS))
  using binding = session.bind()
  binding.input('x', x).output('y', y)
  let best = Number.POSITIVE_INFINITY
  for (let read = 0; read < READS; read++) best = Math.min(best, (await costOf(() => binding.run())).wall)
  return data.byteLength / (best / 1000)
}

function sumGraph(): Uint8Array {
  const g = new Graph()
  const x = g.input('x', 'float32', 'r c', [ROWS, COLUMNS])
  const axis = g.constant('int64', 'r', [1], BigInt64Array.of(1n))
  const call = { op: 'ReduceSum', inputs: [x, axis], attributes: { keepdims: 0 } }
  g.output('y', g.call<'r'>(call, { dtype: 'float32', shape: [ROWS] }))
  return g.encode()
}
