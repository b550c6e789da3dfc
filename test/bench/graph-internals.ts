/** What the benchmark of operators needs from below the public interface of `@loupe/model`. */
// @boundaries-ignore the graph builder is not public, and a benchmark is no reason to make it so
export { type FileTensor, Graph } from '../../packages/model/src/graph/graph.ts'
// @boundaries-ignore as above
export { BYTES_PER_ELEMENT, type DType, type TensorData } from '../../packages/model/src/graph/runtime.ts'
// @boundaries-ignore as above
export type { Value } from '../../packages/model/src/graph/value.ts'
