/** Comparisons and choices. Sizes of 1 stretch; ranks must be equal. */
import type { Graph } from '../graph.ts'
import { type AnyValue, named, type Value } from '../value.ts'
import { elementwise, scalar } from './elementwise.ts'

export function equal<A extends string>(g: Graph, x: Value<A>, y: Value<A>): Value<A> {
  return elementwise(g, 'Equal', x, y, 'bool')
}

export function lessOrEqual<A extends string>(g: Graph, x: Value<A>, y: Value<A>): Value<A> {
  return elementwise(g, 'LessOrEqual', x, y, 'bool')
}

export function greater<A extends string>(g: Graph, x: Value<A>, y: Value<A>): Value<A> {
  return elementwise(g, 'Greater', x, y, 'bool')
}

/** `x > limit` */
export function isAbove<A extends string>(g: Graph, x: Value<A>, limit: number): Value<A> {
  return g.call({ op: 'Greater', inputs: [x, scalar(g, x.dtype, limit)] }, { dtype: 'bool', shape: x.shape })
}

export function both<A extends string>(g: Graph, x: Value<A>, y: Value<A>): Value<A> {
  return elementwise(g, 'And', x, y)
}

export function either<A extends string>(g: Graph, x: Value<A>, y: Value<A>): Value<A> {
  return elementwise(g, 'Or', x, y)
}

/** `yes` where the condition holds, else `no`, as float32. */
export function choose<A extends string>(g: Graph, condition: Value<A>, yes: number, no: number): Value<A> {
  return g.call(
    { op: 'Where', inputs: [condition, scalar(g, 'float32', yes), scalar(g, 'float32', no)] },
    { dtype: 'float32', shape: condition.shape },
  )
}

/**
 * `x`, which is only computed when a condition holds. When it does not, a number stands in its place that nobody may read.
 *
 * @param condition - one bool
 * @param x - float32
 */
export function onlyIf<A extends string>(g: Graph, condition: AnyValue, x: Value<A>): Value<A> {
  const ones = x.shape.map(() => 1)
  const { name, dtype } = g.constant(
    'float32',
    x.shape.map((_, axis) => `r${axis}`).join(' '),
    ones,
    Float32Array.of(0),
  )
  return g.choose(condition, x, named({ name, dtype, shape: x.shape }))
}
