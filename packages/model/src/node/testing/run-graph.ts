import { Graph } from '../../graph/graph.ts'
import type { AnyValue } from '../../graph/value.ts'
import { OrtRuntime } from '../../runtime/index.ts'

/** Shape and numbers of each input. */
export type GraphInputs = Readonly<Record<string, readonly [number[], Float32Array | Int32Array | Uint8Array]>>

/** Builds a graph, runs it once on the CPU and reads its outputs, all of them float32, in the order they are returned in. */
export async function runGraph(build: (g: Graph) => readonly AnyValue[], inputs: GraphInputs): Promise<Float32Array[]> {
  const g = new Graph()
  const names = build(g).map((value, index) => {
    g.output(`y${index}`, value)
    return `y${index}`
  })
  using runtime = new OrtRuntime({ threads: 1 })
  using session = await runtime.load(g.encode())
  using binding = session.bind()
  using stack = new DisposableStack()
  for (const [name, [shape, data]] of Object.entries(inputs)) {
    const dtype = data instanceof Float32Array ? 'float32' : data instanceof Int32Array ? 'int32' : 'uint8'
    binding.input(name, stack.use(runtime.wrap(dtype, shape, data)))
  }
  for (const name of names) binding.outputOnHost(name)
  await binding.run()
  return names.map((name) => {
    const { data } = binding.read(name)
    if (data instanceof Float32Array) return data
    throw new TypeError(`${name}: expected float32`)
  })
}
