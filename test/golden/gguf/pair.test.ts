import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  canonicalName,
  decodeSafetensors,
  type EncodableTensor,
  type GgufModel,
  openGgufModel,
  parseGemma3Config,
  readGgufWeight,
} from '@loupe/model'
import { AppError } from '@loupe/shared/errors'
import { describe, expect, it } from 'vitest'
import { type GgufPairOptions, gemma3Ggufs } from '../../support/gemma3-gguf.ts'
import { joinPieces } from '../../support/join-pieces.ts'
import { memoryFiles } from '../../support/memory-files.ts'

const directory = join(import.meta.dirname, '../vl/one-image')
const tensors = decodeSafetensors(await readFile(join(directory, 'model.safetensors')))
const config = parseGemma3Config(JSON.parse(await readFile(join(directory, 'config.json'), 'utf8')))

function floats({ data }: EncodableTensor): Float32Array {
  return new Float32Array(Uint8Array.from(new Uint8Array(data.buffer, data.byteOffset, data.byteLength)).buffer)
}

async function open(options: GgufPairOptions, changed: ReadonlyMap<string, EncodableTensor> = tensors) {
  const { language, vision } = gemma3Ggufs(changed, config, options)
  const files = memoryFiles({ 'model.gguf': language, 'mmproj.gguf': vision })
  return openGgufModel({ files, file: 'model.gguf' }, { files, file: 'mmproj.gguf' })
}

async function valuesOf({ weights }: GgufModel, canonical: string): Promise<Float32Array> {
  const weight = weights.get(canonical)
  if (weight === undefined) throw new Error(`there is no ${canonical}`)
  return joinPieces(readGgufWeight(weight))
}

describe.each([
  { matrices: 'F32', swapFfn: true },
  { matrices: 'F32', swapFfn: false },
  { matrices: 'F16', swapFfn: true },
] as const)('a pair of GGUF files, %j', (options) => {
  it('has the names, shapes and numbers of the checkpoint it was made from', async () => {
    const model = await open(options)
    expect([...model.weights.keys()].sort()).toEqual([...tensors.keys()].map(canonicalName).sort())
    for (const [name, tensor] of tensors) {
      const canonical = canonicalName(name)
      expect(model.weights.get(canonical)?.shape, name).toEqual(tensor.shape)
      const found = await valuesOf(model, canonical)
      const original = floats(tensor)
      if (model.weights.get(canonical)?.isStoredPlusOne) {
        // 1 + w was rounded when the file was written.
        expect(found.every((value, i) => Math.abs(value - (original[i] ?? Number.NaN)) <= 2 ** -23)).toBe(true)
        expect(Math.max(...original.map(Math.abs))).toBeGreaterThan(0.01)
      } else {
        const isHalf = options.matrices === 'F16' && tensor.shape.length > 1
        expect(found, name).toEqual(isHalf ? Float32Array.from(new Float16Array(original)) : original)
      }
    }
  })

  it('has the config of that checkpoint, save for a scale that GGUF cannot say', async () => {
    const { headSize } = config.text
    expect((await open(options)).config).toEqual({ ...config, text: { ...config.text, queryPreAttnScalar: headSize } })
  })
})

describe('a pair that does not fit', () => {
  it('is refused in one error that names every tensor', async () => {
    const changed = new Map<string, EncodableTensor>(tensors)
    changed.delete('language_model.model.layers.3.mlp.up_proj.weight')
    changed.delete('vision_tower.encoder.layers.1.mlp.fc2.bias')
    changed.set('language_model.model.layers.0.mlp.router.weight', {
      dtype: 'F32',
      shape: [2],
      data: new Float32Array(2),
    })
    changed.set('language_model.model.norm.weight', { dtype: 'F32', shape: [47], data: new Float32Array(47) })
    const error = await open({ matrices: 'F32', swapFfn: true }, changed).catch((thrown: unknown) => thrown)
    expect(AppError.isInstance(error) && error.code).toBe('weights.invalid')
    expect(String(error)).toMatch(
      /2 missing: language_model.layers.3.mlp.up_proj.weight, vision_tower\S+1.mlp.fc2.bias/,
    )
    expect(String(error)).toMatch(/1 unexpected: blk.0.mlp.router.weight/)
    expect(String(error)).toMatch(/output_norm.weight \(expected any type \[48\], found F32 \[47\]\)/)
  })

  it('is refused when the vision file is of another size', async () => {
    const { language } = gemma3Ggufs(tensors, config, { matrices: 'F32', swapFfn: true })
    const wider = { ...config, text: { ...config.text, hiddenSize: 64 } }
    const { vision } = gemma3Ggufs(tensors, wider, { matrices: 'F32', swapFfn: true })
    const files = memoryFiles({ a: language, b: vision })
    await expect(openGgufModel({ files, file: 'a' }, { files, file: 'b' })).rejects.toThrow(
      'clip.vision.projection_dim: expected 48, the embedding_length of a, found 64',
    )
    await expect(openGgufModel({ files, file: 'b' })).rejects.toThrow('general.architecture: expected "gemma3"')
    await expect(openGgufModel({ files, file: 'a' })).resolves.toMatchObject({ config: { kind: 'text' } })
  })
})
