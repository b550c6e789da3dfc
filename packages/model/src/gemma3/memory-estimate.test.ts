import { describe, expect, it } from 'vitest'
import type { FloatDType } from '../weights/dtype.ts'
import { type BoundWeight, bindWeights } from './bind-weights.ts'
import { parseGemma3Config } from './config.ts'
import { estimateMemory } from './memory-estimate.ts'
import { expectedTensors } from './names.ts'

const FOUR_B = parseGemma3Config({
  model_type: 'gemma3',
  text_config: { hidden_size: 2560, intermediate_size: 10_240, num_hidden_layers: 34 },
})
const PARAMETERS_4B = 4_300_079_472
const TABLE_4B = 262_208 * 2560

function weights(config: typeof FOUR_B, dtype: FloatDType, elementBytes: number) {
  const tensors = [...expectedTensors(config)].map(([name, shape]): [string, BoundWeight] => {
    const bytes = shape.reduce((product, size) => product * size, elementBytes)
    return [name, { name, dtype, shape, bytes, offset: 0, file: 'model.safetensors' }]
  })
  return bindWeights({ tensors: new Map(tensors) }, config)
}

describe('estimateMemory', () => {
  it('counts float32 weights as they are stored', () => {
    expect(estimateMemory(FOUR_B, weights(FOUR_B, 'F32', 4)).weightsBytes).toBe(PARAMETERS_4B * 4)
  })

  it('counts 16-bit weights widened, and the stored embedding table beside its head', () => {
    const expected = PARAMETERS_4B * 4 + TABLE_4B * 2
    expect(estimateMemory(FOUR_B, weights(FOUR_B, 'BF16', 2)).weightsBytes).toBe(expected)
  })

  it('counts keys and values of every layer for a token', () => {
    expect(estimateMemory(FOUR_B, new Map()).cacheBytesPerToken).toBe(34 * 2 * 4 * 256 * 4)
  })

  it('counts the widest moment of the vision tower', () => {
    expect(estimateMemory(FOUR_B, new Map()).visionBytes).toBe(4096 * (2 * 1152 + 2 * 4304) * 4)
    const narrow = parseGemma3Config({ model_type: 'gemma3', vision_config: { intermediate_size: 16 } })
    expect(estimateMemory(narrow, new Map()).visionBytes).toBe(4096 * 8 * 1152 * 4)
  })

  it('needs nothing for pictures in a text model', () => {
    expect(estimateMemory(parseGemma3Config({ model_type: 'gemma3_text' }), new Map()).visionBytes).toBe(0)
  })
})
