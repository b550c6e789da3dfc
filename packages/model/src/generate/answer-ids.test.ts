import { describe, expect, it } from 'vitest'
import { parseGemma3Config } from '../gemma3/config.ts'
import { answerIds } from './answer-ids.ts'

const SIZES = {
  hidden_size: 32,
  intermediate_size: 48,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  num_key_value_heads: 1,
  head_dim: 16,
  sliding_window: 8,
}
const VISION = { hidden_size: 16, intermediate_size: 24, num_hidden_layers: 1, num_attention_heads: 2 }

const text = (vocabSize: number) =>
  parseGemma3Config({ model_type: 'gemma3_text', vocab_size: vocabSize, ...SIZES }, 'config.json')

const vision = (vocabSize: number, imageTokenId: number) =>
  parseGemma3Config({
    model_type: 'gemma3',
    mm_tokens_per_image: 16,
    image_token_index: imageTokenId,
    text_config: { vocab_size: vocabSize, ...SIZES },
    vision_config: VISION,
  })

describe('answerIds', () => {
  it.each([
    ['the table of 4B to 27B', vision(262_208, 262_144), undefined, { vocabLimit: 262_144 }],
    ['the same with its tokenizer', vision(262_208, 262_144), 262_145, { vocabLimit: 262_144 }],
    ['the same started for text only', text(262_208), undefined, { vocabLimit: 262_144 }],
    ['that with its tokenizer', text(262_208), 262_145, { vocabLimit: 262_144 }],
    ['the table of 270M and 1B', text(262_144), 262_145, { vocabLimit: 262_144 }],
    ['a table with tokens that somebody added', text(262_300), 262_290, { vocabLimit: 262_290, bannedIds: [262_144] }],
    ['a soft token among the others', vision(64, 60), 64, { vocabLimit: 64, bannedIds: [60] }],
    ['a soft token as the last', vision(64, 60), 61, { vocabLimit: 60 }],
    ['a soft token without a row', vision(64, 64), 65, { vocabLimit: 64 }],
    ['a small text model', text(64), undefined, { vocabLimit: 64 }],
  ])('leaves no picture places and no empty rows: %s', (_, config, tokenizerSize, expected) => {
    expect(answerIds(config, tokenizerSize)).toEqual(expected)
  })
})
