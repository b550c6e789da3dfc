import type { Graph } from '../graph/graph.ts'
import { geluTanh, multiply } from '../graph/ops/arithmetic.ts'
import type { Value } from '../graph/value.ts'
import { type LinearWeights, linear } from './linear.ts'

/** The three maps of a gated feed-forward layer. */
export interface GatedMlpWeights {
  readonly gate: LinearWeights<'d', 'f'>
  readonly up: LinearWeights<'d', 'f'>
  readonly down: LinearWeights<'f', 'd'>
}

/**
 * `down( gelu(gate(x)) ⊙ up(x) )`, with the tanh form of GELU.
 *
 * @param x - `[b, t, d]`
 * @returns `[b, t, d]`
 * @see https://arxiv.org/abs/2002.05202
 */
export function gatedMlp(g: Graph, w: GatedMlpWeights, x: Value<'b t d'>): Value<'b t d'> {
  const gate = geluTanh(g, linear(g, w.gate, x)) // [b, t, f]
  return linear(g, w.down, multiply(g, gate, linear(g, w.up, x)))
}
