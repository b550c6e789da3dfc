/**
 * Every setting that is read from a checkpoint changes what is computed, what is reserved or what is served. A setting that
 * is parsed and then forgotten gives a model that is subtly wrong.
 */
import { createServedModel } from '@loupe/gpu-worker/src/create-served-model.ts'
import {
  estimateMemory,
  expectedTensors,
  type Gemma3Config,
  type Gemma3VLModel,
  type GenerationConfig,
  parseGemma3Config,
  parseGenerationConfig,
  type TextConfig,
  type VisionConfig,
} from '@loupe/model'
import { AppError } from '@loupe/shared/errors'
import { describe, expect, it } from 'vitest'
import { PaperRuntime, paperModel } from '../support/paper-model.ts'

const base = parseGemma3Config({
  model_type: 'gemma3',
  mm_tokens_per_image: 16,
  image_token_index: 90,
  boi_token_index: 91,
  eoi_token_index: 92,
  text_config: {
    vocab_size: 100,
    hidden_size: 32,
    intermediate_size: 48,
    num_hidden_layers: 2,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    head_dim: 8,
    sliding_window: 5,
    layer_types: ['sliding_attention', 'full_attention'],
    max_position_embeddings: 64,
    rope_scaling: { rope_type: 'linear', factor: 8 },
  },
  vision_config: { hidden_size: 16, intermediate_size: 24, num_hidden_layers: 1, num_attention_heads: 2 },
})
const baseVision = base.vision ?? expect.fail('expected a model with eyes')
const generation = parseGenerationConfig({ do_sample: true, top_k: 64, top_p: 0.95 }, base)

/** Another value for each field. A field without one does not compile. */
const TEXT: Required<{ [Key in keyof TextConfig]: TextConfig[Key] }> = {
  vocabSize: 104,
  hiddenSize: 64,
  intermediateSize: 56,
  layers: 1,
  queryHeads: 2,
  keyHeads: 1,
  headSize: 16,
  slidingWindow: 6,
  queryPreAttnScalar: 9,
  rmsNormEps: 1e-5,
  contextTokens: 40,
  layerTypes: ['full_attention', 'sliding_attention'],
  ropeLocal: { theta: 1e5, factor: 1 },
  ropeGlobal: { theta: 1e5, factor: 8 },
}
const VISION: Required<{ [Key in keyof VisionConfig]: VisionConfig[Key] }> = {
  hiddenSize: 32,
  intermediateSize: 20,
  layers: 2,
  heads: 4,
  imageSize: 448,
  patchSize: 28,
  layerNormEps: 1e-5,
  channels: 1,
}
const TOP: Omit<Gemma3Config, 'text' | 'vision' | keyof typeof METADATA> = {
  imageTokenId: 93,
  softTokenId: 96,
  boiTokenId: 94,
  eoiTokenId: 95,
  tokensPerImage: 4,
  bosTokenId: 3,
  eosTokenIds: [1, 7],
  padTokenId: 5,
}
const GENERATION: GenerationConfig = {
  eosTokenIds: [1, 8],
  doSample: false,
  temperature: 0.5,
  topK: 10,
  topP: 0.5,
}

/** Fields that change nothing, and why they are there. */
const METADATA = { kind: 'says in words whether there is a vision tower' } as const satisfies Partial<
  Record<keyof Gemma3Config, string>
>

/** Everything that product code makes of a config, as one text. */
async function made(config: Gemma3Config, sampling: GenerationConfig): Promise<string> {
  const runtime = new PaperRuntime()
  using model = paperModel(config, runtime, sampling)
  // What a request says does not follow the config, only what becomes of it.
  const image = new Array<number>(16).fill(90)
  const ids = Int32Array.from([2, 91, ...image, 92, 90 - 1, 99])
  const results = [
    await outcome(() => model.getImageFeatures(new Uint8Array(896 * 896 * 3))),
    await outcome(() => model.forward({ inputIds: ids, imageFeatures: [new Float32Array(16 * 32)] })),
    await outcome(() => model.forward({ inputsEmbeds: new Float32Array(32) })),
    await outcome(async () => model.startSequence({ capacityTokens: 50 })),
    await outcome(async () => JSON.stringify(model.computeAttentionMask(ids))),
    await outcome(async () => JSON.stringify(servedBy(model))),
  ]
  const nothing = { weights: new Map(), keepStoredTypes: false }
  const memory = estimateMemory(config, { language: nothing, vision: nothing, capacityTokens: 100 })
  const runs = runtime.runs.map((run) =>
    [...run].map(([name, { shape, data }]) => `${name} [${shape}] ${digest(data)}`),
  )
  return JSON.stringify({ graphs: runtime.graphs, allocated: runtime.allocated, runs, results, memory })
}

function digest(data: ArrayLike<number | bigint>): string {
  return data.length < 100 ? Array.from(data).join() : `${data.length} numbers`
}

async function outcome(work: () => Promise<unknown>): Promise<string> {
  try {
    const result = await work()
    return typeof result === 'string' ? result : 'done'
  } catch (error) {
    if (AppError.isInstance(error)) return error.detail
    throw error
  }
}

function servedBy(model: Gemma3VLModel) {
  const { metadata, samplerOptions } = createServedModel({
    name: 'x',
    model,
    tokenizer: new Uint8Array(),
    textVocabulary: 1000,
    queue: { requests: 1, requestsPerTenant: 1, tokens: 1 },
    slots: 1,
    slotTokens: 1_000_000,
    chunkTokens: 1,
    imageCacheBytes: 0,
    prefixCacheBytes: 0,
    now: () => 0,
  })
  return { metadata, samplerOptions }
}

const different = <T extends object>(table: T) => Object.entries(table)

describe('a setting of config.json', () => {
  it('has another value in the tables here', () => {
    expect(Object.keys(TEXT).sort()).toEqual(Object.keys(base.text).sort())
    expect(Object.keys(VISION).sort()).toEqual(Object.keys(baseVision).sort())
    expect([...Object.keys(TOP), ...Object.keys(METADATA), 'text', 'vision'].sort()).toEqual(Object.keys(base).sort())
    expect(Object.keys(GENERATION).sort()).toEqual(Object.keys(generation).sort())
  })

  it.each(different(TEXT))('of the text part changes what is made: %s', async (key, value) => {
    const text = { ...base.text, [key]: value }
    expect(text).not.toEqual(base.text)
    expect(await made({ ...base, text }, generation)).not.toBe(await made(base, generation))
  })

  it.each([
    ['ropeLocal', { theta: 1e4, factor: 2 }],
    ['ropeGlobal', { theta: 1e6, factor: 4 }],
  ])('changes what is made: the factor of %s', async (key, value) => {
    expect(await made({ ...base, text: { ...base.text, [key]: value } }, generation)).not.toBe(
      await made(base, generation),
    )
  })

  it.each(different(VISION))('of the vision part changes what is made: %s', async (key, value) => {
    const vision = { ...baseVision, [key]: value }
    expect(vision).not.toEqual(baseVision)
    expect(await made({ ...base, vision }, generation)).not.toBe(await made(base, generation))
  })

  it.each(different(TOP).filter(([key]) => key !== 'eosTokenIds'))('changes what is made: %s', async (key, value) => {
    expect(await made({ ...base, [key]: value }, generation)).not.toBe(await made(base, generation))
  })

  it('ends answers, unless generation_config.json says otherwise: eosTokenIds', () => {
    const { eosTokenIds } = TOP
    expect(parseGenerationConfig({}, { ...base, eosTokenIds }).eosTokenIds).toEqual(eosTokenIds)
  })

  it('names the tensors there must be', () => {
    const names = (config: Gemma3Config) => [...expectedTensors(config).keys()]
    expect(names({ ...base, vision: undefined })).not.toEqual(names(base))
  })
})

describe('a setting of generation_config.json', () => {
  it.each(different(GENERATION))('changes what is served: %s', async (key, value) => {
    expect(await made(base, { ...generation, [key]: value })).not.toBe(await made(base, generation))
  })
})
