import type { Graph } from '../graph/graph.ts'
import { cast, scaleBy } from '../graph/ops/arithmetic.ts'
import type { Value } from '../graph/value.ts'
import type { RmsNormWeights } from '../layers/rms-norm.ts'
import type { DTypePolicy } from './dtype-policy.ts'

/**
 * How the residual stream is held: in which type, and how much smaller than it is.
 *
 * Gemma's stream grows beyond 65,504, the largest float16. It can be held as c·x without any other change to the model:
 * what enters it is multiplied by c (embeddings, image features, the gains of the norms that write to it), and the norms
 * that read it cancel c, given an epsilon times c²:
 *
 *     cx / sqrt(mean((cx)²) + c²ε)  =  x / sqrt(mean(x²) + ε)
 */
export interface ResidualStream {
  /** Brings float32 states into the stream. */
  enter<A extends string>(g: Graph, x: Value<A>): Value<A>
  /** The stream as float32 states. */
  leave<A extends string>(g: Graph, x: Value<A>): Value<A>
  /** A norm that reads the stream. */
  read(norm: RmsNormWeights): RmsNormWeights
  /** A norm whose result is added to the stream. */
  write(norm: RmsNormWeights): RmsNormWeights
}

/**
 * The residual stream as a policy wants it.
 *
 * c is the power of two next to 1/√d, which undoes the scale of embeddings. Multiplying by it rounds nothing, as long as
 * nothing becomes smaller than the smallest normal number.
 *
 * @param hiddenSize - d
 */
export function residualStream({ activations, rescales }: DTypePolicy, hiddenSize: number): ResidualStream {
  const scale = rescales ? 2 ** -Math.round(Math.log2(hiddenSize) / 2) : 1
  const times = <A extends string>(g: Graph, x: Value<A>, factor: number) => (factor === 1 ? x : scaleBy(g, x, factor))
  return {
    enter: (g, x) => cast(g, times(g, x, scale), activations),
    leave: (g, x) => times(g, cast(g, x, 'float32'), 1 / scale),
    read: (norm) => ({ ...norm, epsilon: norm.epsilon * scale ** 2 }),
    write: (norm) => (scale === 1 ? norm : { ...norm, factor: scale }),
  }
}
