import type { DType } from './runtime.ts'
import type { Shape } from './shape.ts'

declare const AXES: unique symbol

/** A tensor inside a graph, whatever its axes. */
export interface AnyValue {
  readonly name: string
  readonly dtype: DType
  readonly shape: Shape
}

/**
 * What has named axes.
 *
 * The names are checked by the compiler only. They are held in a function type, which makes them invariant: with a plain
 * field the compiler would accept `add(Value<'b t d'>, Value<'b t f'>)` by inferring a union.
 */
export interface Axed<Axes extends string> {
  readonly [AXES]: (axes: Axes) => Axes
}

/**
 * A tensor inside a graph whose axes are named in its type: `Value<'b t d'>` is batch, token, hidden.
 *
 * One legend for the repository: b batch, t token, s cached token, n query head, k key head, h head size, d hidden,
 * f feed-forward, v vocabulary, p patch, o and i the two sides of a weight. Letters that touch are one merged axis.
 */
export interface Value<Axes extends string> extends AnyValue, Axed<Axes> {}

/** Names the axes of a value. The rank is the caller's promise; {@link axisCount} lets the graph check it. */
export function named<Axes extends string>(value: AnyValue): Value<Axes> {
  // The phantom exists in the type alone; nothing reads it.
  return value as Value<Axes>
}

/** The number of axes that `'b t d'` names. */
export function axisCount(axes: string): number {
  return axes === '' ? 0 : axes.split(' ').length
}
