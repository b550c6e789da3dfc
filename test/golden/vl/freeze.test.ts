/** Exact lists, written out as the reference names its parameters (`named_parameters()` of Transformers 5.18). */
import { type Gemma3VLModel, type Stage, splitLayers } from '@loupe/model'
import { loadGemma3VL } from '@loupe/model/node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { caseDirectory, writeVariant } from './golden-case.ts'

const DECODER_LAYER = [
  'input_layernorm.weight',
  'mlp.down_proj.weight',
  'mlp.gate_proj.weight',
  'mlp.up_proj.weight',
  'post_attention_layernorm.weight',
  'post_feedforward_layernorm.weight',
  'pre_feedforward_layernorm.weight',
  'self_attn.k_norm.weight',
  'self_attn.k_proj.weight',
  'self_attn.o_proj.weight',
  'self_attn.q_norm.weight',
  'self_attn.q_proj.weight',
  'self_attn.v_proj.weight',
]
const ENCODER_LAYER = [
  'layer_norm1',
  'layer_norm2',
  'mlp.fc1',
  'mlp.fc2',
  'self_attn.k_proj',
  'self_attn.out_proj',
  'self_attn.q_proj',
  'self_attn.v_proj',
].flatMap((name) => [`${name}.bias`, `${name}.weight`])

const decoderLayers = (from: number, end: number) =>
  Array.from({ length: end - from }, (_, index) =>
    DECODER_LAYER.map((name) => `model.language_model.layers.${from + index}.${name}`),
  ).flat()
const TABLE = 'model.language_model.embed_tokens.weight'
const NORM = 'model.language_model.norm.weight'

const LANGUAGE = [TABLE, ...decoderLayers(0, 7), NORM]
const PROJECTOR = [
  'model.multi_modal_projector.mm_input_projection_weight',
  'model.multi_modal_projector.mm_soft_emb_norm.weight',
]
const TOWER = [
  'model.vision_tower.embeddings.patch_embedding.bias',
  'model.vision_tower.embeddings.patch_embedding.weight',
  'model.vision_tower.embeddings.position_embedding.weight',
  ...[0, 1, 2].flatMap((layer) => ENCODER_LAYER.map((name) => `model.vision_tower.encoder.layers.${layer}.${name}`)),
  'model.vision_tower.post_layernorm.bias',
  'model.vision_tower.post_layernorm.weight',
]

const load = (stage?: Stage) => loadGemma3VL(caseDirectory('one-image'), stage === undefined ? {} : { stage })

describe('freeze', () => {
  let model: Gemma3VLModel
  beforeAll(async () => {
    model = await load()
  })
  afterAll(() => model[Symbol.dispose]())

  it('of nothing leaves every parameter, sorted', () => {
    expect(model.freeze({})).toEqual([...LANGUAGE, ...PROJECTOR, ...TOWER])
    expect(model.trainableParameters).toHaveLength(148)
  })

  it.each([
    [{ languageModel: true }, [...PROJECTOR, ...TOWER]],
    [{ visionModel: true }, [...LANGUAGE, ...PROJECTOR]],
    [{ visionProjection: true }, [...LANGUAGE, ...TOWER]],
    [{ languageModel: true, visionModel: true, visionProjection: false }, PROJECTOR],
    [{ languageModel: true, visionModel: true, visionProjection: true }, []],
  ])('%j leaves exactly the other parts', async (parts, left) => {
    using fresh = await load()
    expect(fresh.freeze(parts)).toEqual(left)
  })

  it('never unfreezes', async () => {
    using fresh = await load()
    fresh.freeze({ visionModel: true })
    fresh.freeze({ visionModel: false })
    expect(fresh.freeze({ languageModel: true })).toEqual(PROJECTOR)
    expect(fresh.trainableParameters).toEqual(PROJECTOR)
  })

  it('knows only the parameters of its stage; both ends train the table', async () => {
    const [first, middle, last] = splitLayers(7, { stages: 3 })
    using head = await load(first)
    using waist = await load(middle)
    using tail = await load(last)
    expect(head.freeze({ visionModel: true })).toEqual([TABLE, ...decoderLayers(0, 3), ...PROJECTOR])
    expect(waist.freeze({ visionModel: true, visionProjection: true })).toEqual(decoderLayers(3, 5))
    expect(tail.freeze({})).toEqual([TABLE, ...decoderLayers(5, 7), NORM])
    expect(tail.freeze({ languageModel: true })).toEqual([])
  })

  it('finds no vision parts in a text model', async () => {
    await using copy = await writeVariant('text-only', {
      config(config) {
        const text = { ...config['text_config'] }
        for (const key of Object.keys(config)) delete config[key]
        Object.assign(config, text)
      },
      weights(tensors) {
        for (const name of [...tensors.keys()]) if (!name.startsWith('language_model.')) tensors.delete(name)
      },
    })
    using text = await loadGemma3VL(copy.directory)
    expect(text.freeze({ visionModel: true, visionProjection: true })).toEqual(LANGUAGE)
  })
})
