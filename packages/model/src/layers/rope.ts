import type { Graph } from '../graph/graph.ts'
import { cast, cosine, multiply, sine } from '../graph/ops/arithmetic.ts'
import { rotate } from '../graph/ops/attend.ts'
import { countUp, reshape } from '../graph/ops/layout.ts'
import { elementCount } from '../graph/shape.ts'
import type { Value } from '../graph/value.ts'

/** Which angles a rotary embedding uses. */
export interface RotaryOptions {
  readonly theta: number
  /** Positions are divided by it. */
  readonly factor: number
  /** h; even */
  readonly headSize: number
}

/** The angles of every token of this step. Computed once, used by every layer of one kind. */
export interface Rotary {
  /** `[b, t]`: each token's own row in the table. */
  readonly rows: Value<'b t'>
  /** `[b·t, h/2]` */
  readonly cosines: Value<'r h'>
  readonly sines: Value<'r h'>
}

/**
 * The table of angles `position · theta^(-2j/h) / factor`, for the positions of this step only: a table over the whole
 * context would take 270 MB for 131,072 positions.
 *
 * @param positions - `[b, t]` int32
 */
export function rotaryTable(g: Graph, positions: Value<'b t'>, options: RotaryOptions): Rotary {
  const [batch = 0, tokens = 0] = positions.shape
  const half = options.headSize / 2
  const rowCount = elementCount([batch, tokens])
  const column = reshape(g, cast(g, positions, 'float32'), 'r h', [rowCount, 1])
  const frequencies = g.constant('float32', 'r h', [1, half], inverseFrequencies(options))
  const angles = multiply(g, column, frequencies)
  const rows = reshape(g, countUp(g, rowCount), 'b t', [batch, tokens])
  return { rows, cosines: cosine(g, angles), sines: sine(g, angles) }
}

/**
 * Rotary position embedding in the half-split layout: lane i of a head turns with lane i + h/2.
 *
 * @param x - `[b, t, n·h]`, heads side by side
 * @param heads - how many they are
 * @returns the shape of `x`
 * @see https://arxiv.org/abs/2104.09864
 */
export function rope<A extends string>(g: Graph, x: Value<A>, rotary: Rotary, heads: number): Value<A> {
  return rotate(g, x, rotary.rows, rotary, heads)
}

/** Rounded to float32 at every step, like the reference, because the angle multiplies any difference by the position. */
function inverseFrequencies({ theta, factor, headSize }: RotaryOptions): Float32Array {
  return Float32Array.from({ length: headSize / 2 }, (_, lane) => {
    const exponent = Math.fround((2 * lane) / headSize)
    return Math.fround(1 / Math.fround(theta ** exponent)) / factor
  })
}
