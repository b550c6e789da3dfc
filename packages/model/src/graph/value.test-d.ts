/** Checked by the compiler alone: each line below an `@ts-expect-error` must not compile. */
import { type LinearWeights, linear } from '../layers/linear.ts'
import type { Graph } from './graph.ts'
import { add } from './ops/arithmetic.ts'
import type { AnyValue, Value } from './value.ts'

declare const g: Graph
declare const hidden: Value<'b t d'>
declare const heads: Value<'b n t h'>
declare const wide: Value<'b t f'>
declare const up: LinearWeights<'d', 'f'>

export const same: Value<'b t d'> = add(g, hidden, hidden)
export const anything: AnyValue = heads
export const expanded: Value<'b t f'> = linear(g, up, hidden)

// @ts-expect-error other axes
add(g, hidden, heads)
// @ts-expect-error another last axis
add(g, hidden, wide)
// @ts-expect-error a union of axes is not one of them
add<'b t d' | 'b t f'>(g, hidden, wide)
// @ts-expect-error the weight takes d, not f
linear(g, up, wide)
// @ts-expect-error the result has f, not d
export const notHidden: Value<'b t d'> = linear(g, up, hidden)
