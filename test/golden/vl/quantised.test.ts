/** A model in blocks computes what its blocks stand for. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  canonicalName,
  decodeSafetensors,
  type ForwardResult,
  type Gemma3VLModel,
  type Pipeline,
  type StoredTensor,
  type WeightDType,
} from '@loupe/model'
import { type LoadModelOptions, loadGemma3VL, loadPipeline } from '@loupe/model/node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { cosine } from '../../support/cosine.ts'
import {
  type CaseName,
  expectedTensor,
  type GoldenCase,
  readCase,
  worstDifference,
  worstUnpadded,
  writeVariant,
} from './golden-case.ts'

let cacheDirectory: string
beforeAll(async () => {
  cacheDirectory = await mkdtemp(join(tmpdir(), 'loupe-quantised-'))
})
afterAll(() => rm(cacheDirectory, { recursive: true }))

/** Everything that a model says about a case. */
interface Said extends ForwardResult {
  readonly imageFeatures: Float32Array
}

async function ask(model: Gemma3VLModel | Pipeline, golden: GoldenCase): Promise<Said> {
  const pictures: Float32Array[] = []
  for (const patches of golden.patches) pictures.push(await model.getImageFeatures(patches))
  const { rows, inputIds, attentionMask } = golden
  const request = { rows, inputIds, attentionMask, imageFeatures: pictures, hiddenStates: true }
  return { ...(await model.forward(request)), imageFeatures: Float32Array.from(pictures.flatMap((x) => [...x])) }
}

async function askLoaded(golden: GoldenCase, directory: string, options: LoadModelOptions): Promise<Said> {
  using model = await loadGemma3VL(directory, { threads: 1, ...options })
  return await ask(model, golden)
}

const inType = (dtype: WeightDType, activations?: 'int8' | 'float32'): LoadModelOptions => ({
  dtype: { language: dtype, vision: dtype },
  cacheDirectory,
  ...(activations && { activations }),
})

/** The packed files of a cache that nothing else was written to. */
async function packedTensors(cache: string): Promise<Map<string, StoredTensor>> {
  const names = await readdir(cache, { recursive: true })
  const files = names.filter((name) => name.endsWith('packed.safetensors'))
  const packed = new Map<string, StoredTensor>()
  for (const file of files) {
    for (const [name, tensor] of decodeSafetensors(await readFile(join(cache, file)), file)) packed.set(name, tensor)
  }
  return packed
}

const floatsOf = ({ data }: StoredTensor) => new Float32Array(Uint8Array.from(data).buffer)

/** `(q - 2^(bits-1)) · scale`, row by row. */
function dequantised(quants: StoredTensor, scales: StoredTensor, inner: number): Float32Array {
  const [outer = 0, blocks = 0, blockBytes = 0] = quants.shape
  const scale = floatsOf(scales)
  const bits = blockBytes === 16 ? 4 : 8 // blocks of 32
  return Float32Array.from({ length: outer * inner }, (_, index) => {
    const [row, column] = [Math.floor(index / inner), index % inner]
    const place = row * blocks * 32 + column
    const byte = quants.data[bits === 8 ? place : place >> 1] ?? Number.NaN
    const q = bits === 8 ? byte - 128 : ((byte >> (4 * (place & 1))) & 15) - 8
    return q * (scale[row * blocks + Math.floor(column / 32)] ?? Number.NaN)
  })
}

/** Writes the checkpoint whose float32 numbers are those that the blocks in a cache stand for. */
async function writeDequantised(name: CaseName, cache: string) {
  const packed = await packedTensors(cache)
  let count = 0
  const variant = await writeVariant(name, {
    weights(tensors) {
      for (const [stored, { shape }] of tensors) {
        const quants = packed.get(`${canonicalName(stored)}.quants`)
        const scales = packed.get(`${canonicalName(stored)}.scales`)
        if (quants === undefined || scales === undefined) continue
        tensors.set(stored, { dtype: 'F32', shape, data: dequantised(quants, scales, shape[1] ?? 0) })
        count++
      }
    },
  })
  return { variant, count }
}

describe.each(['int8', 'int4'] as const)('a model in %s', (dtype) => {
  it.each(['two-images', 'head-dim-scale', 'batch-left-pad'] as const)(
    'says of %s what its blocks say',
    async (name) => {
      const golden = await readCase(name)
      const cache = await mkdtemp(join(cacheDirectory, 'own-'))
      const found = await askLoaded(golden, golden.directory, { ...inType(dtype, 'float32'), cacheDirectory: cache })
      const { variant, count } = await writeDequantised(name, cache)
      await using copy = variant
      const expected = await askLoaded(golden, copy.directory, {})

      expect(count).toBeGreaterThan(6 * 7) // seven maps in each of at least six layers, and the table
      expect(worstDifference(found.imageFeatures, expected.imageFeatures)).toBeLessThan(2e-5)
      expect(worstUnpadded(golden, found.logits, expected.logits)).toBeLessThan(2e-5)
      // And not what the weights before quantisation say.
      expect(worstUnpadded(golden, found.logits, expectedTensor(golden, 'logits'))).toBeGreaterThan(1e-3)
    },
  )

  it('embeds tokens by the very numbers of its blocks', async () => {
    const golden = await readCase('text-only')
    const cache = await mkdtemp(join(cacheDirectory, 'own-'))
    const found = await askLoaded(golden, golden.directory, { ...inType(dtype), cacheDirectory: cache })
    const { variant } = await writeDequantised('text-only', cache)
    await using copy = variant
    const expected = await askLoaded(golden, copy.directory, {})
    expect(found.hiddenStates[0]).toEqual(expected.hiddenStates[0])
  })

  it('is nearly the model that it was made from', async () => {
    const golden = await readCase('two-images')
    const found = await askLoaded(golden, golden.directory, inType(dtype))
    const worst = worstUnpadded(golden, found.logits, expectedTensor(golden, 'logits'))
    expect(worst).toBeLessThan(dtype === 'int8' ? 0.2 : 2)
  })

  it.each([2, 3, 7])('is the same in %d stages', async (stages) => {
    const golden = await readCase('two-images')
    const whole = await askLoaded(golden, golden.directory, inType(dtype))
    using pipeline = await loadPipeline(golden.directory, { ...inType(dtype), stages, threads: 1 })
    const found = await ask(pipeline, golden)
    expect(found.logits).toEqual(whole.logits)
    expect(found.hiddenStates).toEqual(whole.hiddenStates)
  })

  it('decodes with a cache what a full forward gives', async () => {
    const golden = await readCase('two-images')
    using model = await loadGemma3VL(golden.directory, { ...inType(dtype, 'float32'), threads: 1 })
    const { logits, imageFeatures } = await ask(model, golden)
    const width = imageFeatures.length / golden.patches.length
    const features = golden.patches.map((_, n) => imageFeatures.subarray(n * width, (n + 1) * width))
    using sequence = model.startSequence({ capacityTokens: golden.tokens })
    const prompt = golden.inputIds.lastIndexOf(model.config.imageTokenId) + 2
    let next = await sequence.prefill(golden.inputIds.subarray(0, prompt), features)
    const vocabulary = next.length
    for (let token = prompt; token < golden.tokens; token++) {
      const expected = logits.subarray((token - 1) * vocabulary, token * vocabulary)
      expect(worstDifference(next, expected), `token ${token}`).toBeLessThan(2e-4)
      next = await sequence.decode(golden.inputIds[token] ?? -1)
    }
  })
})

describe('a vision tower in int8', () => {
  it('is held in columns on a CPU, and in blocks where rows must stay exact', async () => {
    const { directory } = await readCase('one-image')
    const kinds = async (activations: 'int8' | 'float32') => {
      const cache = await mkdtemp(join(cacheDirectory, 'own-'))
      using model = await loadGemma3VL(directory, { dtype: { vision: 'int8' }, cacheDirectory: cache, activations })
      expect(model.config.vision).toBeDefined()
      const names = [...(await packedTensors(cache)).keys()]
      const matrix = names.filter((name) => name.startsWith('vision_tower.encoder.layers.0.mlp.fc1.weight'))
      return matrix.map((name) => name.slice(name.lastIndexOf('.'))).sort()
    }
    expect(await kinds('int8')).toEqual(['.columns', '.scales'])
    expect(await kinds('float32')).toEqual(['.quants', '.scales'])
  })

  it.each(['int8', 'float32'] as const)('sees what the float32 tower sees, activations: %s', async (activations) => {
    const golden = await readCase('two-images')
    const options: LoadModelOptions = { dtype: { vision: 'int8' }, cacheDirectory, activations, threads: 1 }
    using model = await loadGemma3VL(golden.directory, options)
    using exact = await loadGemma3VL(golden.directory, { threads: 1 })
    for (const patches of golden.patches) {
      const found = await model.getImageFeatures(patches)
      const expected = await exact.getImageFeatures(patches)
      expect(cosine(found, expected)).toBeGreaterThan(0.9995)
      expect(worstDifference(found, expected)).toBeGreaterThan(1e-4)
    }
  })
})

describe.each(['bf16', 'f16'] as const)('a model in %s', (dtype) => {
  it('says what the same numbers say when they are widened once', async () => {
    const golden = await readCase('two-images')
    const cache = await mkdtemp(join(cacheDirectory, 'own-'))
    const found = await askLoaded(golden, golden.directory, { ...inType(dtype), cacheDirectory: cache })
    const packed = await packedTensors(cache)
    await using copy = await writeVariant('two-images', {
      weights(tensors) {
        for (const stored of tensors.keys()) {
          const tensor = packed.get(canonicalName(stored))
          if (tensor !== undefined) tensors.set(stored, tensor)
        }
      },
    })
    const widened = await askLoaded(golden, copy.directory, {})
    expect(worstDifference(found.logits, widened.logits)).toBeLessThan(1e-5)
    expect(worstDifference(found.imageFeatures, widened.imageFeatures)).toBeLessThan(1e-5)
    const worst = worstUnpadded(golden, found.logits, expectedTensor(golden, 'logits'))
    expect(worst).toBeGreaterThan(1e-5)
    expect(worst).toBeLessThan(dtype === 'bf16' ? 0.1 : 0.01)
  })
})
