import { describe, expect, it } from 'vitest'
import { parseGemma3Config } from '../gemma3/config.ts'
import { expectedTensors, TOKEN_EMBEDDING } from '../gemma3/names.ts'
import type { StoredWeight } from '../gemma3/parameters.ts'
import { estimateMemory, type MemoryRequest, type PartWeights } from './memory-estimate.ts'

const FOUR_B = parseGemma3Config({
  model_type: 'gemma3',
  text_config: { hidden_size: 2560, intermediate_size: 10_240, num_hidden_layers: 34 },
})
const TEXT = parseGemma3Config({ model_type: 'gemma3_text' })
const PARAMETERS_4B = 4_300_079_472
const TABLE_4B = 262_208 * 2560
const NOTHING: PartWeights = { weights: new Map(), keepStoredTypes: false }

/** The 4B as its checkpoint stores it: of some type, or with a language model in blocks of 4 bits and a table of 8. */
function request(held: 'float32' | 'bfloat16' | 'int4', capacityTokens = 1000): MemoryRequest {
  const parts = { language: new Map<string, StoredWeight>(), vision: new Map<string, StoredWeight>() }
  for (const [name, shape] of expectedTensors(FOUR_B)) {
    const part = /^(vision_tower|multi_modal)/.test(name) ? 'vision' : 'language'
    parts[part].set(name, held === 'int4' && part === 'language' ? packed(name, shape) : plain(held, shape))
  }
  const part = (weights: PartWeights['weights']) => ({ weights, keepStoredTypes: false })
  return { language: part(parts.language), vision: part(parts.vision), capacityTokens }
}

function plain(held: string, shape: readonly number[]): StoredWeight {
  const dtype = held === 'float32' ? 'float32' : 'bfloat16'
  const bytes = shape.reduce((product, size) => product * size, dtype === 'float32' ? 4 : 2)
  return { dtype, shape, file: 'weights', offset: 0, bytes }
}

function packed(name: string, shape: readonly number[]): StoredWeight {
  const [outer = 0, inner] = shape
  if (inner === undefined) return plain('bfloat16', shape)
  const bits = name === TOKEN_EMBEDDING ? 8 : 4
  const count = outer * inner
  const file = { file: 'packed', offset: 0 }
  const quants = { ...file, dtype: 'uint8', shape: [outer, inner / 32, 4 * bits], bytes: (count * bits) / 8 } as const
  const scales = { ...file, dtype: 'float32', shape: [outer, inner / 32], bytes: count / 8 } as const
  return { blocks: { shape: [outer, inner], bits, blockSize: 32, quants, scales } }
}

const formsOf = (memory: ReturnType<typeof estimateMemory>) =>
  [...memory.language, ...memory.vision].map(({ form, count, ownBytes, pageBytes }) => [
    form,
    count,
    ownBytes,
    pageBytes,
  ])

describe('estimateMemory', () => {
  it('leaves float32 in its files, and widens 16 bits', () => {
    const stored = estimateMemory(FOUR_B, request('float32'))
    const widened = estimateMemory(FOUR_B, request('bfloat16'))
    const bytes = ({ language, vision }: typeof stored, key: 'ownBytes' | 'pageBytes') =>
      [...language, ...vision].reduce((sum, form) => sum + form[key], 0)
    expect([bytes(stored, 'ownBytes'), bytes(stored, 'pageBytes')]).toEqual([0, PARAMETERS_4B * 4])
    expect([bytes(widened, 'ownBytes'), bytes(widened, 'pageBytes')]).toEqual([PARAMETERS_4B * 4, 0])
    // A head of float32 reads the table itself; else its rows are read from the stored one.
    expect([stored.table.pageBytes, widened.table.pageBytes]).toEqual([0, 1000 * 131_072])
  })

  it('counts a language model in blocks apart from its norms and its table', () => {
    const matrices = 34 * (2 * 2560 * 2048 + 2 * 2560 * 1024 + 3 * 2560 * 10_240)
    const norms = 34 * (4 * 2560 + 2 * 256) + 2560
    expect(formsOf(estimateMemory(FOUR_B, { ...request('int4'), vision: undefined }))).toEqual([
      ['blocks of 32, 4 bits', 34 * 7, (matrices * 3) / 4, 0],
      ['blocks of 32, 8 bits', 1, (TABLE_4B * 5) / 4, 0],
      ['bfloat16, widened', 34 * 6 + 1, norms * 4, 0],
    ])
  })

  it('counts keys and values: of every token in layers that see everything, of the window and a part in others', () => {
    const cacheBytes = (tokens: number) => estimateMemory(FOUR_B, request('float32', tokens)).cache.ownBytes
    const ofToken = 2 * 4 * 256 * 4
    expect(cacheBytes(300)).toBe(34 * 300 * ofToken)
    // 16 tokens to go back, and 512 that come at once.
    expect(cacheBytes(10_000)).toBe((5 * 10_000 + 29 * (4095 + 16 + 512)) * ofToken)
  })

  it('counts the widest moment of a prompt: scores in a long conversation, else the MLP', () => {
    const promptBytes = (tokens: number) => estimateMemory(FOUR_B, request('float32', tokens)).promptBytes
    expect(promptBytes(2048)).toBe(1.25 * 512 * (3 * 2560 + 2 * 2048 + 2 * 16 * 256 + 8 * 2048) * 4)
    expect(promptBytes(100)).toBe(1.25 * 100 * (3 * 2560 + 2 * 100 + 2 * 10_240) * 4)
  })

  it('counts the widest moment of the vision tower, and nothing in a text model', () => {
    const pictureBytes = (config: typeof FOUR_B) =>
      estimateMemory(config, { language: NOTHING, vision: NOTHING, capacityTokens: 1 }).pictureBytes
    expect(pictureBytes(FOUR_B)).toBe(1.25 * 4096 * (2 * 1152 + 2 * 4304) * 4)
    const narrow = parseGemma3Config({ model_type: 'gemma3', vision_config: { intermediate_size: 16 } })
    expect(pictureBytes(narrow)).toBe(1.25 * 4096 * 8 * 1152 * 4)
    expect(pictureBytes(TEXT)).toBe(0)
  })

  it('adds up to what stays, and to the most at any time', () => {
    const memory = estimateMemory(FOUR_B, request('int4'))
    const all = [...memory.language, ...memory.vision, memory.table, memory.cache, memory.base]
    const sum = (key: 'ownBytes' | 'pageBytes') => all.reduce((total, part) => total + part[key], 0)
    expect(memory.resting).toEqual({ ownBytes: sum('ownBytes'), pageBytes: sum('pageBytes') })
    expect(memory.pictureBytes).toBeGreaterThan(memory.promptBytes)
    expect(memory.peak.ownBytes).toBe(memory.resting.ownBytes + memory.pictureBytes)
  })

  it('takes a packed part and a part in 16 bits to need something beside their weights', () => {
    const base = (parts: Partial<MemoryRequest>) =>
      estimateMemory(FOUR_B, { ...request('float32'), vision: undefined, ...parts }).base.ownBytes
    const { language } = request('int4')
    expect(base({ language })).toBeGreaterThan(base({}))
    expect(base({ language: { ...language, keepStoredTypes: true } })).toBeGreaterThan(base({ language }))
    expect(base({ vision: NOTHING })).toBe(base({}))
  })

  it('takes loading for the most where a table is widened, for then it is there in both types', () => {
    const { resting, cache, peak } = estimateMemory(FOUR_B, request('bfloat16', 1))
    expect(peak.ownBytes).toBe(resting.ownBytes - cache.ownBytes + TABLE_4B * 2)
  })
})
