import type { GenerateRequest } from '@loupe/shared/wire'
import { describe, expect, it } from 'vitest'
import { createFixture } from '../testing/worker-fixture.ts'
import { checkPrompt } from './check-prompt.ts'

/** A model whose image token has no row in the embedding table: its places are filled with features. */
const model = {
  ...createFixture().served.metadata.parameters,
  vocab_size: 8,
  image_token_id: 9,
  tokens_per_image: 2,
  context_length: 16,
}

const request = (ids: number[], images = 0): GenerateRequest => ({
  inputIds: Int32Array.from(ids),
  imageDigests: Array(images).fill('00'),
  patches: [],
  parameters: {},
})

describe('checkPrompt', () => {
  it('names the setting that bounds prompt and answer', () => {
    const asked = { ...request([2, 3]), parameters: { max_tokens: 15 } }
    expect(() => checkPrompt(model, asked)).toThrow(
      'A sequence holds 16 tokens here (--slot-tokens); the prompt has 2 tokens and the answer may have 15.',
    )
  })

  it('refuses the ids of another tokenizer before it looks at them', () => {
    const madeWith = (tokenizer_digest: string) => ({ ...request([2, 99]), parameters: { tokenizer_digest } })
    expect(() => checkPrompt(model, madeWith('abc'))).toThrow(
      expect.objectContaining({
        code: 'tokenizer.mismatch',
        message: `The ids were made with the tokenizer abc, the model has ${model.tokenizer_digest}.`,
      }),
    )
    expect(() => checkPrompt(model, madeWith(model.tokenizer_digest))).toThrow('input_ids[1] is 99')
  })

  it('takes an image token beyond the vocabulary', () => {
    expect(checkPrompt(model, request([2, 9, 9, 3], 1))).toEqual({ imageTokens: 2, maxTokens: 12 })
  })

  it('refuses every other id beyond it', () => {
    for (const id of [-1, 8, 10]) {
      expect(() => checkPrompt(model, request([2, id]))).toThrow(`input_ids[1] is ${id}, expected 0 to 7.`)
    }
  })

  it('knows no image token in a text-only model', () => {
    const textOnly = { ...model, image_token_id: -1, tokens_per_image: 0 }
    expect(checkPrompt(textOnly, request([2, 3]))).toEqual({ imageTokens: 0, maxTokens: 14 })
    expect(() => checkPrompt(textOnly, request([2, -1]))).toThrow('input_ids[1] is -1')
    expect(() => checkPrompt(textOnly, request([2], 1))).toThrow('1 images were given, the prompt has places for 0.')
  })
})
