import type { Graph } from '../graph.ts'
import { DATA_TYPE } from '../onnx-model.ts'
import type { DType, TensorData } from '../runtime.ts'
import { broadcastShape, formatShape } from '../shape.ts'
import type { Value } from '../value.ts'

/**
 * A binary operator on two values of one type, where a size of 1 stretches.
 *
 * @param dtype - of the result, when it is not that of the operands
 * @throws AppError `graph.shape_mismatch` when types, ranks or sizes do not fit
 */
export function elementwise<A extends string>(
  g: Graph,
  op: string,
  x: Value<A>,
  y: Value<A>,
  dtype: DType = x.dtype,
): Value<A> {
  const shape = broadcastShape(x.shape, y.shape)
  if (shape === undefined)
    return g.fail(`${op} of fitting shapes`, `${formatShape(x.shape)} and ${formatShape(y.shape)}`)
  if (x.dtype !== y.dtype) return g.fail(`${op} of one type`, `${x.dtype} and ${y.dtype}`)
  return g.call({ op, inputs: [x, y] }, { dtype, shape })
}

/** One number as a constant of rank 0, which fits every shape. */
export function scalar(g: Graph, dtype: DType, value: number): Value<''> {
  if (dtype !== 'float16' && dtype !== 'bfloat16') return g.constant(dtype, '', [], numberData(dtype, value))
  // The runtime rounds it, once, while it loads the model.
  const exact = g.constant('float32', '', [], Float32Array.of(value))
  return g.call({ op: 'Cast', inputs: [exact], attributes: { to: DATA_TYPE[dtype] } }, { dtype, shape: [] })
}

function numberData(dtype: DType, value: number): TensorData {
  if (dtype === 'int64') return BigInt64Array.of(BigInt(value))
  if (dtype === 'int32') return Int32Array.of(value)
  return Float32Array.of(value)
}
