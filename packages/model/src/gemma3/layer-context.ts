import type { Graph } from '../graph/graph.ts'
import { cast } from '../graph/ops/arithmetic.ts'
import { lastOfEachRow, sizeOf } from '../graph/ops/layout.ts'
import { onlyIf } from '../graph/ops/logic.ts'
import type { Value } from '../graph/value.ts'
import { givenRotary, type Rotary, rotaryTable } from '../layers/rope.ts'
import type { LayerContext } from './block.ts'
import { type CacheStep, layerCache } from './cache.ts'
import type { TextConfig } from './config.ts'
import type { DTypePolicy } from './dtype-policy.ts'
import { type LayerKind, layerKind, type PerKind, perKind } from './layer-kind.ts'
import { attentionBias } from './mask.ts'

/** What a step tells all layers. */
export interface StepInputs {
  readonly policy: DTypePolicy
  /** What it tells the layers of one kind: what they see, how they turn, and how full their caches are. */
  readonly kinds: PerKind<CacheStep & { readonly rotary: Rotary }>
}

/** Local layers see a window and turn by the local angles; global layers see everything. Each kind has slots of its own. */
export function stepInputs(g: Graph, text: TextConfig, policy: DTypePolicy): StepInputs {
  const positions = g.input('positions', 'int32', 'b t', ['b', 't'])
  const isMasked = policy.attention === 'causal' ? g.input('is_masked', 'bool', '', []) : undefined
  const kinds = perKind((kind) => {
    const cached = `s_${kind}`
    const slots = g.input(`slots_${kind}`, 'int32', 'b t', ['b', 't'])
    const blocks = g.input(`blocks_${kind}`, 'int32', 'b s', ['b', cached])
    const window = kind === 'local' ? text.slidingWindow : undefined
    const bias = attentionBias(g, slots, blocks, window)
    return {
      kind,
      lastSlot: lastOfEachRow<'b', 't'>(g, slots),
      // Not made a scalar: that would be done by the device, and this number is wanted by the host.
      filled: cast(g, sizeOf(g, cached), 'int32'),
      window,
      isMasked,
      bias: isMasked === undefined ? bias : onlyIf(g, isMasked, bias),
      rotary: rotaryOf(g, positions, kind, { text, policy }),
    }
  })
  return { policy, kinds }
}

function rotaryOf(
  g: Graph,
  positions: Value<'b t'>,
  kind: LayerKind,
  { text, policy }: { readonly text: TextConfig; readonly policy: DTypePolicy },
): Rotary {
  const { headSize, ropeLocal, ropeGlobal } = text
  // An operator that turns heads itself wants a row for every slot.
  const length = policy.fuses === 'nothing' ? undefined : `s_${kind}`
  const options = { ...(kind === 'local' ? ropeLocal : ropeGlobal), headSize, dtype: policy.activations, length }
  const name = `rotary_${kind}`
  return g.at(name, () =>
    policy.angles === 'given' ? givenRotary(g, name, positions, options) : rotaryTable(g, positions, options),
  )
}

/** What one layer reads of a step. */
export function layerContext(g: Graph, text: TextConfig, layer: number, { policy, kinds }: StepInputs): LayerContext {
  const step = kinds[layerKind(text, layer)]
  const { queryHeads, keyHeads } = text
  return { queryHeads, keyHeads, rotary: step.rotary, cache: layerCache(g, text, step, { layer, policy }) }
}
