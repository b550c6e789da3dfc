import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  decodeSafetensors,
  type EncodableTensor,
  encodeSafetensors,
  type Gemma3Config,
  type Gemma3VLModel,
  type GgufDType,
  openGgufModel,
  parseGemma3Config,
  readGgufWeight,
} from '@loupe/model'
import { checkpointFiles, loadGemma3VL, loadPipeline } from '@loupe/model/node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type GgufPairOptions, gemma3Ggufs } from '../../support/gemma3-gguf.ts'
import { joinPieces } from '../../support/join-pieces.ts'
import { BLOCK_SIZED_CONFIG, randomCheckpoint } from '../../support/random-checkpoint.ts'
import { readCase, worstDifference, writeVariant } from '../vl/golden-case.ts'

let root: string
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'loupe-gguf-'))
})
afterAll(() => rm(root, { recursive: true }))

interface Checkpoint {
  readonly config: Gemma3Config
  readonly tensors: ReadonlyMap<string, EncodableTensor>
}

/** Writes a pair of files into a folder of its own. */
async function writePair({ config, tensors }: Checkpoint, options: Omit<GgufPairOptions, 'swapFfn'>) {
  const directory = await mkdtemp(join(root, 'pair-'))
  const pair = gemma3Ggufs(tensors, config, { ...options, swapFfn: true })
  const [language, mmproj] = [join(directory, 'model.gguf'), join(directory, 'mmproj.gguf')]
  await writeFile(language, pair.language)
  await writeFile(mmproj, pair.vision)
  return { directory, language, mmproj }
}

/** Writes what a pair stands for as a float32 checkpoint in Hugging Face layout. */
async function writeDequantised(directory: string, json: object): Promise<string> {
  const files = await checkpointFiles(directory)
  const { weights } = await openGgufModel({ files, file: 'model.gguf' }, { files, file: 'mmproj.gguf' })
  const tensors = new Map<string, EncodableTensor>()
  for (const [name, weight] of weights) {
    tensors.set(name, { dtype: 'F32', shape: weight.shape, data: await joinPieces(readGgufWeight(weight)) })
  }
  await writeFile(join(directory, 'model.safetensors'), encodeSafetensors(tensors))
  await writeFile(join(directory, 'config.json'), JSON.stringify(json))
  return directory
}

type Inputs = Pick<Awaited<ReturnType<typeof readCase>>, 'rows' | 'inputIds' | 'patches'>

async function logitsOf(model: Pick<Gemma3VLModel, 'forward' | 'getImageFeatures'>, inputs: Inputs) {
  const imageFeatures: Float32Array[] = []
  for (const picture of inputs.patches) imageFeatures.push(await model.getImageFeatures(picture))
  return (await model.forward({ ...inputs, imageFeatures })).logits
}

describe('a pair of floats', () => {
  it.each([
    ['F32', 1e-5],
    ['F16', 0.01],
    ['BF16', 0.1],
  ] as const)('in %s gives what the checkpoint gives that it was made from', async (matrices, tolerance) => {
    const golden = await readCase('one-image')
    const config = parseGemma3Config(JSON.parse(await readFile(join(golden.directory, 'config.json'), 'utf8')))
    const tensors = decodeSafetensors(await readFile(join(golden.directory, 'model.safetensors')))
    // The one thing that a GGUF cannot say: the scale is always the head size.
    const scaled = await writeVariant('one-image', {
      config: ({ text_config: text }) => Object.assign(text ?? {}, { query_pre_attn_scalar: 16 }),
    })
    await using _ = scaled
    using original = await loadGemma3VL(scaled.directory, ONE)
    const { language, mmproj } = await writePair({ config, tensors }, { matrices })
    using model = await loadGemma3VL(language, { mmproj, ...ONE, cacheDirectory: join(root, 'none') })
    const difference = worstDifference(await logitsOf(model, golden), await logitsOf(original, golden))
    expect(difference).toBeLessThan(tolerance)
  })
})

/** As llama.cpp mixes them: more bits for the table, for values and for the way out of an MLP. */
const MIX = (name: string): GgufDType => {
  if (name === 'token_embd.weight') return 'Q6_K'
  if (name.startsWith('v.') || name.startsWith('mm.')) return 'F16'
  return /attn_v|ffn_down/.test(name) ? 'Q6_K' : 'Q4_K'
}

/** The published vision files: matrices of layers in blocks, everything else in floats. */
const layersIn = (dtype: GgufDType) => (name: string) => {
  return name.includes('blk.') || name === 'token_embd.weight' ? dtype : 'F32'
}

/** Threads of one run wait for each other, and longest where others want the cores. */
const ONE = { threads: 1 } as const
const checkpoint = randomCheckpoint()

const picture = Uint8Array.from({ length: 56 * 56 * 3 }, (_, i) => (i * 37) % 251)
const inputs: Inputs = {
  rows: 1,
  inputIds: Int32Array.of(2, 7, 60, 62, 62, 62, 62, 61, 9, 11, 40, 33, 21, 8, 30, 59),
  patches: [picture],
}

describe.each([
  ['Q4_0', layersIn('Q4_0')],
  ['Q4_1', layersIn('Q4_1')],
  ['Q5_0', layersIn('Q5_0')],
  ['Q5_1', layersIn('Q5_1')],
  ['Q8_0', layersIn('Q8_0')],
  ['Q4_K', layersIn('Q4_K')],
  ['Q5_K', layersIn('Q5_K')],
  ['Q6_K', layersIn('Q6_K')],
  ['a mix like Q4_K_M', MIX],
] as const)('a pair in %s', (_, matrices) => {
  it('gives what its numbers give as float32, whole, split and unpacked', async () => {
    const { directory, language, mmproj } = await writePair(checkpoint, { matrices })
    const cacheDirectory = join(directory, 'cache')
    using original = await loadGemma3VL(await writeDequantised(directory, BLOCK_SIZED_CONFIG), ONE)
    const expected = await logitsOf(original, inputs)
    const size = Math.max(...expected.map(Math.abs))
    expect(size).toBeGreaterThan(0.5)

    const options = { mmproj, cacheDirectory, activations: 'float32', ...ONE } as const
    using model = await loadGemma3VL(language, options)
    expect(worstDifference(await logitsOf(model, inputs), expected)).toBeLessThan(2e-4)
    using pipeline = await loadPipeline(language, { ...options, stages: 2 })
    expect(worstDifference(await logitsOf(pipeline, inputs), expected)).toBeLessThan(2e-4)

    using fast = await loadGemma3VL(language, { mmproj, cacheDirectory, ...ONE })
    const rounded = worstDifference(await logitsOf(fast, inputs), expected)
    expect(rounded).toBeGreaterThan(0)
    expect(rounded).toBeLessThan(0.1 * size)
    using floats = await loadGemma3VL(language, { ...options, dtype: { language: 'f32', vision: 'f32' } })
    expect(worstDifference(await logitsOf(floats, inputs), expected)).toBeLessThan(2e-5)
  })
})
