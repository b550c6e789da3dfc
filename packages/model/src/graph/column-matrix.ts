import type { FileTensor } from './graph.ts'

/**
 * A matrix in 8 bits with one scale for each of its rows, stored on its side: what makes one output is a column.
 *
 *     weight[o][i] = q[i][o] · scale[o]
 *
 *     q q … q        quants [i, o] int8, from -127 to 127
 *     q q … q
 *     scale … scale  scales [o] float32
 *
 * A byte a weight and four an output, in its file; 1.04 bytes a weight in memory, where the runtime packs it instead of the
 * pages of the file. Integer products read it so: those of signed numbers are a fifth faster than those of unsigned ones.
 *
 * @see https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.MatMulIntegerToFloat
 */
export interface ColumnMatrix {
  /** `[o, i]`, as checkpoints store linear maps. */
  readonly shape: readonly [outer: number, inner: number]
  /** `[i, o]` int8 */
  readonly quants: FileTensor
  /** `[o]` float32 */
  readonly scales: FileTensor
}
