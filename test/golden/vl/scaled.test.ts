/**
 * A model whose residual streams are c times as large, its epsilons c² times, gives the same logits, c times as large (the
 * head is the embedding table). At the size of the golden vectors an epsilon does not show; here it would.
 */
import type { EncodableTensor } from '@loupe/model'
import { loadGemma3VL } from '@loupe/model/node'
import { describe, expect, it } from 'vitest'
import {
  type CaseName,
  expectedTensor,
  readCase,
  TOLERANCE,
  type Variant,
  worstDifference,
  worstUnpadded,
  writeVariant,
} from './golden-case.ts'

/** A power of two, so that scaling rounds nothing. */
const C = 1 / 64

/** Everything that is written into a residual stream, or that ends one. */
const WRITERS = [
  /embed_tokens\.weight$/,
  /mm_input_projection_weight$/,
  /embeddings\.(patch|position)_embedding\./,
  /self_attn\.out_proj\./,
  /mlp\.fc2\./,
  /vision_tower\.post_layernorm\./,
]
/** Zero-centred norms that write into the residual stream: of them 1 + w is scaled. */
const POST_NORMS = /(post_attention|post_feedforward)_layernorm\.weight$/

const scaled: Variant = {
  config(config) {
    for (const [part, key] of [
      ['text_config', 'rms_norm_eps'],
      ['vision_config', 'layer_norm_eps'],
    ] as const) {
      const fields = config[part] ?? {}
      fields[key] = Number(fields[key]) * C ** 2
    }
  },
  weights(tensors) {
    for (const [name, tensor] of tensors) {
      if (WRITERS.some((pattern) => pattern.test(name)))
        tensors.set(
          name,
          mapped(tensor, (w) => C * w),
        )
      else if (POST_NORMS.test(name))
        tensors.set(
          name,
          mapped(tensor, (w) => C * (1 + w) - 1),
        )
    }
  },
}

function mapped({ shape, data }: EncodableTensor, change: (value: number) => number): EncodableTensor {
  const bytes = Uint8Array.from(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
  return { dtype: 'F32', shape, data: new Float32Array(bytes.buffer).map(change) }
}

const unscaled = (data: Float32Array) => data.map((value) => value / C)

describe.each<CaseName>(['one-image', 'head-dim-scale', 'batch-left-pad'])('%s, scaled', (name) => {
  it('gives the logits of the reference, scaled', async () => {
    const golden = await readCase(name)
    await using copy = await writeVariant(name, scaled)
    using model = await loadGemma3VL(copy.directory)
    const states = []
    for (const patches of golden.patches) states.push(await model.getImageStates(patches))

    const towers = Float32Array.from(states.flatMap(({ lastHiddenState }) => [...unscaled(lastHiddenState)]))
    expect(worstDifference(towers, expectedTensor(golden, 'vision_last_hidden_state'))).toBeLessThan(TOLERANCE.default)
    const features = Float32Array.from(states.flatMap(({ imageFeatures }) => [...unscaled(imageFeatures)]))
    expect(worstDifference(features, expectedTensor(golden, 'image_features'))).toBeLessThan(TOLERANCE.default)

    const imageFeatures: Float32Array[] = states.map((state) => state.imageFeatures)
    const { logits } = await model.forward({ ...golden, imageFeatures, returnLogits: true })
    const worst = worstUnpadded(golden, unscaled(logits), expectedTensor(golden, 'logits'))
    expect(worst).toBeLessThan(TOLERANCE.default)
  })
})
