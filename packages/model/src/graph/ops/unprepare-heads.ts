import type { Call, Graph } from '../graph.ts'
import type { AnyValue } from '../value.ts'

/** What the attention operator does to queries and keys itself, of what was done to them before. */
export type HeadFusion = 'nothing' | 'rotary' | 'norm and rotary'

/** Queries and keys as the operator wants them, and what it needs to do the rest. */
export interface UnpreparedHeads {
  readonly query: AnyValue
  readonly key: AnyValue
  /** Cosines, sines, and each token's row in them; empty when nothing is left to do. */
  readonly table: readonly AnyValue[]
  /** Gains of the norms of queries and of keys, or none. */
  readonly gains: readonly AnyValue[]
  readonly epsilon: number
}

/**
 * Goes back to where queries and keys were before they were turned, or before their heads were normed. A graph leaves out
 * what nobody reads any more, so the work is not done twice.
 *
 * @param heads - queries and keys, turned by `RotaryEmbedding`, and before that normed
 * @throws AppError `graph.shape_mismatch` when they were made in another way
 */
export function unprepareHeads(
  g: Graph,
  { query, key }: { query: AnyValue; key: AnyValue },
  fusion: HeadFusion,
): UnpreparedHeads {
  if (fusion === 'nothing') return { query, key, table: [], gains: [], epsilon: 0 }
  const [rotary, turnedKey] = [callThatMade(g, query, 'RotaryEmbedding'), callThatMade(g, key, 'RotaryEmbedding')]
  const straight = { query: input(g, rotary, 0), key: input(g, turnedKey, 0) }
  const table = [input(g, rotary, 2), input(g, rotary, 3), input(g, rotary, 1)]
  if (fusion === 'rotary') return { ...straight, table, gains: [], epsilon: 0 }
  const [q, k] = [beforeNorm(g, straight.query), beforeNorm(g, straight.key)]
  if (q.epsilon !== k.epsilon) return g.fail(`one epsilon for queries and keys`, `${q.epsilon} and ${k.epsilon}`)
  return { query: q.x, key: k.x, table, gains: [q.gain, k.gain], epsilon: q.epsilon }
}

/** The projection whose heads were split, normed and merged again. */
function beforeNorm(g: Graph, merged: AnyValue): { x: AnyValue; gain: AnyValue; epsilon: number } {
  const normed = input(g, callThatMade(g, merged, 'Reshape'), 0)
  const norm = callThatMade(g, normed, 'SimplifiedLayerNormalization')
  const epsilon = norm.attributes?.['epsilon']
  if (typeof epsilon !== 'object' || !('float' in epsilon)) return g.fail('an epsilon', 'none')
  const x = input(g, callThatMade(g, input(g, norm, 0), 'Reshape'), 0)
  return { x, gain: input(g, norm, 1), epsilon: epsilon.float }
}

function callThatMade(g: Graph, value: AnyValue, op: string): Call {
  const call = g.callOf(value)
  return call?.op === op ? call : g.fail(`what ${op} made`, call?.op ?? 'an input')
}

function input(g: Graph, { op, inputs }: Call, index: number): AnyValue {
  return inputs[index] ?? g.fail(`${index + 1} inputs of ${op}`, `${inputs.length}`)
}
