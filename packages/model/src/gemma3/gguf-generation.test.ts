import { describe, expect, it } from 'vitest'
import type { GgufFile } from '../weights/gguf.ts'
import type { GgufValue } from '../weights/gguf-metadata.ts'
import { parseGemma3Config } from './config.ts'
import { ggufGeneration } from './gguf-generation.ts'

const config = parseGemma3Config({ model_type: 'gemma3_text', eos_token_id: [1, 106] })
const GEMMA = { 'tokenizer.ggml.tokens': ['<pad>', '<eos>', '<end_of_turn>'] }

function file(keys: Record<string, GgufValue>): GgufFile {
  return { file: 'model.gguf', metadata: new Map(Object.entries(keys)), tensors: new Map() }
}

describe('ggufGeneration', () => {
  it("draws tokens as Google's generation_config.json says where the vocabulary is Gemma's", () => {
    const released = { eosTokenIds: [1, 106], doSample: true, temperature: 1, topK: 64, topP: 0.95 }
    expect(ggufGeneration(file(GEMMA), config)).toEqual(released)
  })

  it('takes the likeliest token where it is another', () => {
    const tokens = { 'tokenizer.ggml.tokens': ['a', 'b'] }
    expect(ggufGeneration(file(tokens), config)).toMatchObject({ doSample: false, eosTokenIds: [1, 106] })
    expect(ggufGeneration(file({}), config)).toMatchObject({ doSample: false })
  })

  it('does what the file says first', () => {
    const keys = { ...GEMMA, 'general.sampling.temp': Math.fround(0.7), 'general.sampling.top_p': Math.fround(0.9) }
    expect(ggufGeneration(file(keys), config)).toMatchObject({ doSample: true, temperature: 0.7, topK: 64, topP: 0.9 })
    const all = { ...GEMMA, 'general.sampling.top_k': -1 }
    expect(ggufGeneration(file(all), config)).toMatchObject({ topK: 0, topP: 0.95 })
    const greedy = { ...GEMMA, 'general.sampling.temp': 0 }
    expect(ggufGeneration(file(greedy), config)).toMatchObject({ doSample: false })
  })

  it('names every key at fault', () => {
    const keys = { 'general.sampling.temp': -1, 'general.sampling.top_p': '1', 'general.sampling.top_k': 2n ** 60n }
    expect(() => ggufGeneration(file(keys), config)).toThrow(
      /model.gguf: general.sampling.temp: expected at least 0, found -1; .*top_k: expected a whole number.*top_p: expected a number, found "1"/,
    )
  })
})
