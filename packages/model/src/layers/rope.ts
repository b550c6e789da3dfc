import type { Graph } from '../graph/graph.ts'
import { cast, cosine, multiply, sine } from '../graph/ops/arithmetic.ts'
import { rotate } from '../graph/ops/attend.ts'
import { countUp, reshape } from '../graph/ops/layout.ts'
import type { DType } from '../graph/runtime.ts'
import { type Dim, elementCount } from '../graph/shape.ts'
import type { Value } from '../graph/value.ts'

/** Which angles a rotary embedding uses. */
export interface RotaryOptions {
  readonly theta: number
  /** Positions are divided by it. */
  readonly factor: number
  /** h; even */
  readonly headSize: number
  /** Type of the table, float32 by default. Angles are float32 in any case. */
  readonly dtype?: DType
  /** Rows of a table over the first positions of all, for an operator that wants one; every position is below it. */
  readonly length?: Dim | undefined
}

/** The angles of every token of this step. Computed once, used by every layer of one kind. */
export interface Rotary {
  /** `[b, t]` int64: each token's row in the table. */
  readonly rows: Value<'b t'>
  /** `[r, h/2]`, r = b·t unless a length was given */
  readonly cosines: Value<'r h'>
  readonly sines: Value<'r h'>
}

/**
 * The table of angles `position · theta^(-2j/h) / factor`. It has a row for each token of this step, or as many as it is
 * given: one over the whole context would take 270 MB for 131,072 positions.
 *
 * @param positions - `[b, t]` int32
 */
export function rotaryTable(g: Graph, positions: Value<'b t'>, options: RotaryOptions): Rotary {
  const [batch = 0, tokens = 0] = positions.shape
  const { headSize, dtype = 'float32', length } = options
  const rowCount = length ?? elementCount([batch, tokens])
  const counted = countUp(g, rowCount)
  const tabled = length === undefined ? cast(g, positions, 'float32') : cast(g, counted, 'float32')
  const column = reshape(g, tabled, 'r h', [rowCount, 1])
  const frequencies = g.constant('float32', 'r h', [1, headSize / 2], inverseFrequencies(options))
  const angles = multiply(g, column, frequencies)
  const rows = length === undefined ? reshape(g, counted, 'b t', [batch, tokens]) : cast(g, positions, 'int64')
  const table = { cosines: cosine(g, angles), sines: sine(g, angles) }
  return { rows, cosines: cast(g, table.cosines, dtype), sines: cast(g, table.sines, dtype) }
}

/**
 * A table as {@link rotaryTable} makes it, given to the model as inputs `name.cosines` and `name.sines`, `[r, h/2]`
 * float32: {@link rotaryAngles} of this step's positions.
 */
export function givenRotary(g: Graph, name: string, positions: Value<'b t'>, options: RotaryOptions): Rotary {
  const [batch = 0, tokens = 0] = positions.shape
  const { headSize, dtype = 'float32' } = options
  const input = (part: string) => cast(g, g.input(`${name}.${part}`, 'float32', 'r h', ['r', headSize / 2]), dtype)
  const rows = reshape(g, countUp(g, elementCount([batch, tokens])), 'b t', [batch, tokens])
  return { rows, cosines: input('cosines'), sines: input('sines') }
}

/** What {@link rotaryTable} computes, for a graph that is given it. @returns `[r, h/2]` each, for r positions */
export function rotaryAngles(
  positions: Int32Array,
  options: RotaryOptions,
): { cosines: Float32Array; sines: Float32Array } {
  const frequencies = inverseFrequencies(options)
  const angles = Float64Array.from({ length: positions.length * frequencies.length }, (_, index) => {
    const position = positions[Math.floor(index / frequencies.length)] ?? 0
    return Math.fround(position * (frequencies[index % frequencies.length] ?? 0))
  })
  return { cosines: Float32Array.from(angles, Math.cos), sines: Float32Array.from(angles, Math.sin) }
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
