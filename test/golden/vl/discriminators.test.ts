/** Each wrong reading of the model must fail the golden vectors; one that passes would mean that nothing tests it. */
import type { EncodableTensor, ForwardRequest, Gemma3VLModel } from '@loupe/model'
import { loadGemma3VL } from '@loupe/model/node'
import { describe, expect, it } from 'vitest'
// @boundaries-ignore a stage is not public, and a test is no reason to make it so
import { CachedStage } from '../../../packages/model/src/pipeline/cached-stage.ts'
import {
  type CaseName,
  caseDirectory,
  expectedTensor,
  type GoldenCase,
  readCase,
  TOLERANCE,
  type Variant,
  worstUnpadded,
  writeVariant,
} from './golden-case.ts'

async function imageFeatures(model: Gemma3VLModel, golden: GoldenCase): Promise<Float32Array[]> {
  const features: Float32Array[] = []
  for (const patches of golden.patches) features.push(await model.getImageFeatures(patches))
  return features
}

async function worstLogits(model: Gemma3VLModel, golden: GoldenCase, change: Partial<ForwardRequest> = {}) {
  const features = await imageFeatures(model, golden)
  const { logits } = await model.forward({ ...golden, imageFeatures: features, returnLogits: true, ...change })
  return worstUnpadded(golden, logits, expectedTensor(golden, 'logits'))
}

type Json = Record<string, unknown>

const WRONG: readonly (readonly [what: string, case_: CaseName, variant: Variant])[] = [
  ['a window one longer', 'text-only', text({ sliding_window: 13 })],
  ['a window one shorter', 'text-only', text({ sliding_window: 11 })],
  ['scale from the head size', 'head-dim-scale', text({ query_pre_attn_scalar: 32 })],
  ['no factor on global layers', 'text-only', rope('full_attention', { factor: 1 })],
  ['the factor on local layers too', 'text-only', rope('sliding_attention', { rope_type: 'linear', factor: 8 })],
  ['one theta for all', 'text-only', rope('full_attention', { rope_theta: 10_000 })],
  [
    'the pattern one layer early',
    'text-only',
    text({ layer_types: [0, 1, 2, 3, 4, 5, 6].map((i) => (i === 4 ? 'full_attention' : 'sliding_attention')) }),
  ],
  ['a gain of w in place of 1 + w', 'text-only', { weights: (tensors) => eachNorm(tensors, (w) => w - 1) }],
  ['a projector of the transposed matrix', 'one-image', { weights: scrambleProjector }],
]

/** Other fields of `text_config`. */
function text(fields: Json): Variant {
  return { config: (config) => Object.assign(config['text_config'] ?? {}, fields) }
}

/** Other rotary parameters of one kind of layer. */
function rope(layers: 'full_attention' | 'sliding_attention', fields: Json): Variant {
  return {
    config: (config) => {
      const parameters = config['text_config']?.['rope_parameters'] as Record<typeof layers, Json>
      Object.assign(parameters[layers], fields)
    },
  }
}

function eachNorm(tensors: Map<string, EncodableTensor>, edit: (w: number) => number): void {
  for (const [name, tensor] of tensors) {
    if (!/language_model.*norm\.weight$|soft_emb_norm/.test(name)) continue
    tensors.set(name, { ...tensor, data: floatsOf(tensor).map(edit) })
  }
}

/** What reading `[in, out]` as `[out, in]` would give, kept in the declared shape. */
function scrambleProjector(tensors: Map<string, EncodableTensor>): void {
  for (const [name, tensor] of tensors) {
    if (!name.endsWith('mm_input_projection_weight')) continue
    const [rows = 0, columns = 0] = tensor.shape
    const data = floatsOf(tensor)
    const transposed = Float32Array.from(data, (_, i) => data[(i % rows) * columns + Math.floor(i / rows)] ?? 0)
    tensors.set(name, { ...tensor, data: transposed })
  }
}

function floatsOf({ data }: EncodableTensor): Float32Array {
  return new Float32Array(Uint8Array.from(new Uint8Array(data.buffer, data.byteOffset, data.byteLength)).buffer)
}

describe('a checkpoint read wrongly', () => {
  it.each(WRONG)('shows: %s', async (_, name, variant) => {
    const golden = await readCase(name)
    await using copy = await writeVariant(name, variant)
    using model = await loadGemma3VL(copy.directory)
    expect(await worstLogits(model, golden)).toBeGreaterThan(10 * TOLERANCE.default)
  })

  it('does not show when nothing is changed', async () => {
    await using copy = await writeVariant('one-image', {})
    using model = await loadGemma3VL(copy.directory)
    expect(await worstLogits(model, await readCase('one-image'))).toBeLessThan(TOLERANCE.default)
  })
})

describe('inputs used wrongly', () => {
  it('shows: image features that are scaled like embeddings', async () => {
    const golden = await readCase('one-image')
    using model = await loadGemma3VL(golden.directory)
    const scale = Math.sqrt(model.config.text.hiddenSize)
    const scaled = (await imageFeatures(model, golden)).map((feature) => feature.map((x) => x * scale))
    expect(await worstLogits(model, golden, { imageFeatures: scaled })).toBeGreaterThan(10 * TOLERANCE.default)
  })

  it('shows: images in another order', async () => {
    const golden = await readCase('two-images')
    using model = await loadGemma3VL(golden.directory)
    const swapped = (await imageFeatures(model, golden)).reverse()
    expect(await worstLogits(model, golden, { imageFeatures: swapped })).toBeGreaterThan(10 * TOLERANCE.default)
  })

  it('shows: padding that is seen and counted', async () => {
    const golden = await readCase('batch-left-pad')
    using model = await loadGemma3VL(golden.directory)
    const attentionMask = new Int32Array(golden.attentionMask.length).fill(1)
    expect(await worstLogits(model, golden, { attentionMask })).toBeGreaterThan(10 * TOLERANCE.default)
  })
})

describe('image blocks drawn wrongly', () => {
  /** Runs the case in one step with blocks of our own making. */
  async function worstWithBlocks(name: CaseName, draw: (id: number, index: number) => number): Promise<number> {
    const golden = await readCase(name)
    using model = await loadGemma3VL(caseDirectory(name))
    const { languageModel, config } = model
    const { inputIds, tokens } = golden
    const isImage = (index: number) => inputIds[index] === config.imageTokenId
    const features = await imageFeatures(model, golden)
    const places = Int32Array.from(inputIds, (_, index) => index)
    const blocks = inputIds.map((_, index) => (isImage(index) ? draw(1, index) : 0))
    const logits = new Float32Array(tokens * config.text.vocabSize)
    using stage = new CachedStage(languageModel, { rows: 1, slots: { local: tokens, global: tokens } })
    const step = {
      rows: 1,
      tokenIds: inputIds,
      positions: places,
      places: { local: { slots: places, blocks }, global: { slots: places, blocks } },
      given: {
        rows: [...places].filter(isImage),
        states: Float32Array.from(features.flatMap((feature) => [...feature])),
      },
      logitRows: [...places],
    }
    await stage.run(step, { logits: [[tokens, config.text.vocabSize], logits] })
    return worstUnpadded(golden, logits, expectedTensor(golden, 'logits'))
  }

  it('shows: image tokens that see only what is before them', async () => {
    expect(await worstWithBlocks('one-image', () => 0)).toBeGreaterThan(10 * TOLERANCE.default)
  })

  it('shows: images that see one another', async () => {
    expect(await worstWithBlocks('two-images', () => 1)).toBeGreaterThan(10 * TOLERANCE.default)
  })

  it('does not show when they are drawn rightly', async () => {
    expect(await worstWithBlocks('two-images', (_, index) => (index < 10 ? 1 : 2))).toBeLessThan(TOLERANCE.default)
  })
})
