import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decodeSafetensors, type Gemma3VLModel, parseGemma3Config } from '@loupe/model'
import { loadGemma3VL, loadGguf } from '@loupe/model/node'
import { describe, expect, it } from 'vitest'
import { type GgufPairOptions, gemma3Ggufs } from '../../support/gemma3-gguf.ts'
import { type GoldenCase, readCase, worstDifference, writeVariant } from '../vl/golden-case.ts'

const golden = await readCase('one-image')

async function writePair(directory: string, options: Omit<GgufPairOptions, 'swapFfn'>) {
  const config = parseGemma3Config(JSON.parse(await readFile(join(golden.directory, 'config.json'), 'utf8')))
  const tensors = decodeSafetensors(await readFile(join(golden.directory, 'model.safetensors')))
  const pair = gemma3Ggufs(tensors, config, { ...options, swapFfn: true })
  const [language, mmproj] = [join(directory, 'model.gguf'), join(directory, 'mmproj.gguf')]
  await writeFile(language, pair.language)
  await writeFile(mmproj, pair.vision)
  return { language, mmproj }
}

async function logitsOf(model: Gemma3VLModel, { patches }: GoldenCase): Promise<Float32Array> {
  const imageFeatures: Float32Array[] = []
  for (const picture of patches) imageFeatures.push(await model.getImageFeatures(picture))
  return (await model.forward({ ...golden, imageFeatures, returnLogits: true })).logits
}

async function withFolder<T>(use: (directory: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'loupe-gguf-'))
  try {
    return await use(directory)
  } finally {
    await rm(directory, { recursive: true })
  }
}

describe('loadGguf', () => {
  it.each([
    ['F32', 1e-5],
    ['F16', 0.01],
  ] as const)(
    'computes from a pair in %s what the checkpoint gives that it was made from',
    async (matrices, tolerance) => {
      // The one thing that a GGUF cannot say: the scale is always the head size.
      const scaled = await writeVariant('one-image', {
        config: ({ text_config: text }) => Object.assign(text ?? {}, { query_pre_attn_scalar: 16 }),
      })
      await using _ = scaled
      using original = await loadGemma3VL(scaled.directory)
      const expected = await logitsOf(original, golden)
      await withFolder(async (directory) => {
        const { language, mmproj } = await writePair(directory, { matrices })
        using model = await loadGguf(language, { mmproj, threads: 1 })
        expect(worstDifference(await logitsOf(model, golden), expected)).toBeLessThan(tolerance)
      })
    },
  )

  it('refuses quantised weights by name', async () => {
    await withFolder(async (directory) => {
      const { language } = await writePair(directory, {
        matrices: 'F32',
        change: (tensors) => {
          tensors['blk.1.attn_output.weight'] = { dtype: 'Q8_0', shape: [48, 64], data: new Uint8Array(48 * 2 * 34) }
        },
      })
      await expect(loadGguf(language)).rejects.toThrow(
        'Expected weights of F32, F16 or BF16, found 1 quantised: blk.1.attn_output.weight (Q8_0).',
      )
    })
  })
})
