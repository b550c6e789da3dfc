import type { Gemma3Config } from '@loupe/model'
import { describe, expect, it } from 'vitest'
import { createServedModel } from './create-served-model.ts'
import { FAKE_IDS, FakeModel } from './testing/fake-model.ts'

function served(change: Partial<Gemma3Config>, textVocabulary: number = FAKE_IDS.vocab, panAndScan = false) {
  const model = new FakeModel()
  return createServedModel({
    name: 'm',
    model: Object.assign(model, { config: { ...model.config, ...change } }),
    tokenizer: new Uint8Array(),
    textVocabulary,
    panAndScan,
    queue: { requests: 1, requestsPerTenant: 1, tokens: 1 },
    slots: 1,
    slotTokens: 64,
    chunkTokens: 64,
    imageCacheBytes: 0,
    prefixCacheBytes: 0,
    now: () => 0,
  })
}

describe('createServedModel', () => {
  it.each([
    ['the image token inside the vocabulary', {}, 64, { vocabLimit: 64, bannedIds: [60] }],
    ['the image token as its last', {}, 61, { vocabLimit: 60 }],
    ['no image token', { softTokenId: 262_144 }, 64, { vocabLimit: 64 }],
    ['fewer rows than the tokenizer has ids', { softTokenId: 262_144 }, 99, { vocabLimit: 64 }],
  ])('never answers with ids that are no text: %s', (_, change, textVocabulary, options) => {
    expect(served(change, textVocabulary).samplerOptions).toEqual(options)
  })

  it('describes a text-only model as one that takes no pictures', () => {
    const text = { vision: undefined, imageTokenId: -1, boiTokenId: -1, eoiTokenId: -1, tokensPerImage: 0 }
    const { inputs, parameters } = served(text).metadata
    expect(parameters).toMatchObject({ has_vision: false, image_size: 0, tokens_per_image: 0, image_token_id: -1 })
    expect(inputs.map(({ name }) => name)).toEqual(['input_ids'])
    expect(served({}).metadata.inputs.map(({ name }) => name)).toEqual(['input_ids', 'image_digests', 'patches'])
  })

  it('tells whether elongated pictures are cropped, which a text-only model has no use for', () => {
    const told = (change: Partial<Gemma3Config>, crops: boolean) => {
      return served(change, FAKE_IDS.vocab, crops).metadata.parameters.do_pan_and_scan
    }
    expect([told({}, false), told({}, true), told({ vision: undefined }, true)]).toEqual([false, true, false])
  })

  it('tells how long a request may be: as long as a slot, and never longer than the model reads', () => {
    expect(served({}).metadata.parameters.context_length).toBe(64)
    const { text } = new FakeModel().config
    expect(served({ text: { ...text, contextTokens: 32 } }).metadata.parameters.context_length).toBe(32)
  })

  it('refuses a model whose pictures are not those of the protocol', () => {
    const { vision } = new FakeModel().config
    if (vision === undefined) throw new Error('the fake model has vision')
    expect(() => served({ vision: { ...vision, imageSize: 224 } })).toThrow(
      /expected image_size 896 .* found 224 and 14/,
    )
  })
})
