import type { Graph } from '../graph.ts'
import type { AnyValue, Value } from '../value.ts'

/**
 * `x / sqrt(mean(x²) + epsilon) · gain` over the last axis, reduced in float32.
 *
 * @param gain - one number for each place of the last axis
 * @see https://arxiv.org/abs/1910.07467
 */
export function rmsNormalize<A extends string>(g: Graph, x: Value<A>, gain: AnyValue, epsilon: number): Value<A> {
  g.expectShape('a gain', gain, [x.shape.at(-1)])
  return g.call(
    {
      op: 'SimplifiedLayerNormalization',
      inputs: [x, gain],
      attributes: { axis: -1, epsilon: { float: epsilon }, stash_type: 1 },
    },
    x,
  )
}

/**
 * `(x - mean(x)) / sqrt(variance(x) + epsilon) · gain + shift` over the last axis, with the biased variance.
 *
 * @param affine - `gain` and `shift`, one number each for each place of the last axis
 * @see https://arxiv.org/abs/1607.06450
 */
export function layerNormalize<A extends string>(
  g: Graph,
  x: Value<A>,
  { gain, shift }: { gain: AnyValue; shift: AnyValue },
  epsilon: number,
): Value<A> {
  g.expectShape('a gain', gain, [x.shape.at(-1)])
  g.expectShape('a shift', shift, [x.shape.at(-1)])
  return g.call(
    { op: 'LayerNormalization', inputs: [x, gain, shift], attributes: { axis: -1, epsilon: { float: epsilon } } },
    x,
  )
}

/** The mean over some axes, which disappear. @param result - names of the axes that stay */
export function meanOver<A extends string>(g: Graph, x: AnyValue, axes: readonly number[], result: A): Value<A> {
  const which = g.constant('int64', 'r', [axes.length], BigInt64Array.from(axes, BigInt))
  const shape = x.shape.filter((_, axis) => !axes.includes(axis))
  g.expectAxes(result, shape)
  return g.call({ op: 'ReduceMean', inputs: [x, which], attributes: { keepdims: 0 } }, { dtype: x.dtype, shape })
}
