/** Elementwise arithmetic. Sizes of 1 stretch; ranks must be equal. */
import type { Graph } from '../graph.ts'
import { DATA_TYPE } from '../onnx-model.ts'
import type { DType } from '../runtime.ts'
import type { Value } from '../value.ts'
import { elementwise, scalar } from './elementwise.ts'

export function add<A extends string>(g: Graph, x: Value<A>, y: Value<A>): Value<A> {
  return elementwise(g, 'Add', x, y)
}

export function multiply<A extends string>(g: Graph, x: Value<A>, y: Value<A>): Value<A> {
  return elementwise(g, 'Mul', x, y)
}

/** `x + amount` */
export function addNumber<A extends string>(g: Graph, x: Value<A>, amount: number): Value<A> {
  return g.call({ op: 'Add', inputs: [x, scalar(g, x.dtype, amount)] }, x)
}

/** `x * factor` */
export function scaleBy<A extends string>(g: Graph, x: Value<A>, factor: number): Value<A> {
  return g.call({ op: 'Mul', inputs: [x, scalar(g, x.dtype, factor)] }, x)
}

/** `x / divisor`, correctly rounded, which multiplying by the inverse is not. */
export function divideBy<A extends string>(g: Graph, x: Value<A>, divisor: number): Value<A> {
  return g.call({ op: 'Div', inputs: [x, scalar(g, x.dtype, divisor)] }, x)
}

export function cosine<A extends string>(g: Graph, x: Value<A>): Value<A> {
  return g.call({ op: 'Cos', inputs: [x] }, x)
}

export function sine<A extends string>(g: Graph, x: Value<A>): Value<A> {
  return g.call({ op: 'Sin', inputs: [x] }, x)
}

/** GELU in its tanh form. @see https://arxiv.org/abs/1606.08415 section 2 */
export function geluTanh<A extends string>(g: Graph, x: Value<A>): Value<A> {
  return g.call({ op: 'Gelu', inputs: [x], attributes: { approximate: 'tanh' } }, x)
}

/** The same numbers as another type; `x` itself when it has that type already. */
export function cast<A extends string>(g: Graph, x: Value<A>, dtype: DType): Value<A> {
  if (x.dtype === dtype) return x
  return g.call({ op: 'Cast', inputs: [x], attributes: { to: DATA_TYPE[dtype] } }, { dtype, shape: x.shape })
}
