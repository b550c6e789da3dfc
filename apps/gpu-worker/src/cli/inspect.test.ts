import { mkdtemp, readdir, realpath, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type EncodableTensor, encodeSafetensors, expectedTensors, parseGemma3Config } from '@loupe/model'
import { loadGemma3VL } from '@loupe/model/node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runLine } from '../testing/cli-fixture.ts'

const CONFIG = {
  model_type: 'gemma3',
  text_config: {
    hidden_size: 8,
    intermediate_size: 12,
    num_hidden_layers: 2,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    head_dim: 4,
    vocab_size: 32,
    rope_scaling: { rope_type: 'linear', factor: 8 },
  },
  vision_config: {
    hidden_size: 6,
    intermediate_size: 10,
    num_hidden_layers: 1,
    num_attention_heads: 2,
    image_size: 28,
  },
  mm_tokens_per_image: 4,
}
const SHARDS = ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors'] as const

const widened = (count: number, parameters: number) => {
  return { form: 'bfloat16, widened', count, parameters, ownBytes: 4 * parameters, pageBytes: 0 }
}

const inspect = (...argv: string[]) => runLine(['inspect', ...argv])

describe('loupe inspect', () => {
  let directory: string

  beforeAll(async () => {
    directory = await realpath(await mkdtemp(join(tmpdir(), 'loupe-inspect-')))
    const tensors = [...expectedTensors(parseGemma3Config(CONFIG))].map(([name, shape]): [string, EncodableTensor] => {
      return [name, { dtype: 'BF16', shape, data: new Uint16Array(shape.reduce((a, b) => a * b, 1)) }]
    })
    const shards = [tensors.slice(0, 20), tensors.slice(20)]
    const weightMap: Record<string, string> = {}
    for (const [index, file] of SHARDS.entries()) {
      const part = shards[index] ?? []
      for (const [name] of part) weightMap[name] = file
      await writeFile(join(directory, file), encodeSafetensors(new Map(part)))
    }
    await writeFile(join(directory, 'model.safetensors.index.json'), JSON.stringify({ weight_map: weightMap }))
    await writeFile(join(directory, 'config.json'), JSON.stringify(CONFIG))
    await writeFile(join(directory, 'generation_config.json'), '{"eos_token_id":[1,106],"top_k":64,"do_sample":true}')
  })

  afterAll(() => rm(directory, { recursive: true, force: true }))

  it('tells all as one JSON object', async () => {
    const { status, out } = await inspect('--model', directory, '--json')
    expect(status).toBe(0)
    const report = JSON.parse(out)
    const decoderLayer = 4 * 8 + 2 * 4 + 2 * (16 * 8) + 2 * (8 * 8) + 3 * (12 * 8)
    const decoder = 32 * 8 + 8 + 2 * decoderLayer
    const encoderLayer = 2 * (6 + 6) + 4 * (6 * 6 + 6) + (10 * 6 + 10) + (6 * 10 + 6)
    const tower = 6 * 3 * 14 * 14 + 6 + 4 * 6 + encoderLayer + (6 + 6)
    const parameters = decoder + tower + (6 + 6 * 8)
    expect(report.totals).toEqual({ tensors: 51, files: 2, parameters, bytes: 2 * parameters })
    expect(report.config.text.ropeGlobal).toEqual({ theta: 1e6, factor: 8 })
    expect(report.generation).toMatchObject({ eosTokenIds: [1, 106], topK: 64 })
    expect(report.memory).toMatchObject({ capacityTokens: 4096, packedBytes: { language: 0, vision: 0 } })
    const { language, vision, cache, peak, resting } = report.memory.cpu
    expect(language).toEqual([widened(28, decoder)])
    expect(vision).toEqual([widened(23, parameters - decoder)])
    expect(cache.ownBytes).toBe(4096 * 2 * 2 * 2 * 4 * 4)
    expect(peak.ownBytes).toBeGreaterThan(resting.ownBytes)
    expect(report.tensors).toContainEqual({
      name: 'language_model.layers.*.mlp.up_proj.weight',
      count: 2,
      dtype: 'BF16',
      shape: [12, 8],
      parameters: 192,
      bytes: 384,
    })
  })

  it('tells how weights would be held, for a conversation of some length', async () => {
    const { out } = await inspect('--model', directory, '--json', '--dtype', 'int4', '--capacity', '10')
    const { cpu } = JSON.parse(out).memory
    const rows = 2 * (16 + 8 + 8 + 8 + 12 + 12 + 8) // no row is longer than a block of 32
    expect(cpu.language.slice(0, 2)).toMatchObject([
      { form: 'blocks of 32, 4 bits', count: 14, ownBytes: rows * (16 + 2 * 4), pageBytes: 0 },
      { form: 'blocks of 32, 8 bits', count: 1, ownBytes: 32 * (32 + 2 * 4), pageBytes: 0 },
    ])
    // The tower is in 8 bits where the language model is in 4, and a CPU multiplies by columns.
    expect(cpu.vision).toContainEqual({
      form: 'columns, 8 bits',
      count: 6,
      parameters: 4 * 36 + 2 * 60,
      ownBytes: 4 * 36 + 2 * 60 + (4 * 6 + 10 + 6) * 4,
      pageBytes: 0,
    })
    expect(cpu.cache.ownBytes).toBe(10 * 2 * 2 * 2 * 4 * 4)
  })

  it('lets activations decide what is copied', async () => {
    const { out } = await inspect('--model', directory, '--json', '--dtype', 'int8', '--activations', 'float32')
    const { cpu } = JSON.parse(out).memory
    const inBlocks = (count: number) => expect.objectContaining({ form: 'blocks of 32, 8 bits', count, ownBytes: 0 })
    expect(cpu.language).toContainEqual(inBlocks(15))
    expect(cpu.vision).toContainEqual(inBlocks(6))
  })

  it('knows the size of what the first start writes', async () => {
    const cacheDirectory = join(directory, 'cache')
    const dtype = { language: 'int4', vision: 'bf16' } as const
    const { out } = await inspect('--model', directory, '--json', '--dtype', 'int4', '--vision-dtype', 'bf16')
    using model = await loadGemma3VL(directory, { dtype, cacheDirectory })
    expect(model.config.kind).toBe('vision-language')
    const written = await Promise.all(
      (await readdir(join(cacheDirectory, 'weights'))).map((key) =>
        stat(join(cacheDirectory, 'weights', key, 'packed.safetensors')),
      ),
    )
    // bfloat16 is what the tower is stored in, so that nothing is written for it.
    expect(JSON.parse(out).memory.packedBytes).toEqual({ language: written[0]?.size, vision: 0 })
    expect(written).toHaveLength(1)
  })

  it('shows the same to a person', async () => {
    const { status, out, err } = await inspect('--model', directory)
    expect([status, err]).toEqual([0, ''])
    expect(out).toContain('Gemma 3 vision-language')
    expect(out).toContain('51 tensors in 2 files')
    expect(out).toContain('sampled, temperature 1, top-k 64, top-p 1, stops at 1, 106')
    expect(out).toMatch(/^language_model\.layers\.\*\.mlp\.up_proj\.weight +2 +BF16 +\[12, 8\] +384 B$/m)
    expect(out).toContain('memory on a CPU, predicted for 4096 tokens')
    expect(out).toMatch(/^ {2}language model: bfloat16, widened +28 +6.59 KiB +0 B$/m)
    expect(out).toMatch(/^ {2}keys and values +512 KiB +0 B$/m)
    expect(out).not.toContain('rewritten')
    expect((await inspect('--model', directory, '--dtype', 'int8')).out).toMatch(/KiB of rewritten weights are kept/)
  })

  it('shows the embedded model when none is named', async () => {
    const { status, out } = await inspect('--json')
    expect(status).toBe(0)
    expect(JSON.parse(out)).toMatchObject({ config: { kind: 'vision-language', tokensPerImage: 256 } })
  })

  it('fails where loading the model would fail', async () => {
    const broken = await mkdtemp(join(tmpdir(), 'loupe-inspect-'))
    await writeFile(join(broken, 'config.json'), JSON.stringify(CONFIG))
    await writeFile(join(broken, 'model.safetensors'), encodeSafetensors(new Map()))
    const { status, out, err } = await inspect('--model', broken)
    await rm(broken, { recursive: true })
    expect([status, out]).toEqual([1, ''])
    expect(err).toContain('51 missing: language_model.embed_tokens.weight')
    expect(err).toContain('[weights.invalid]')
  })

  it('says that there is no such directory', async () => {
    const { status, err } = await inspect('--model', join(directory, 'absent'))
    expect(status).toBe(2)
    expect(err).toContain('--model: there is no file or directory')
  })

  it('refuses a vision file beside a checkpoint that is no GGUF, and a capacity that is no number', async () => {
    const vision = await inspect('--model', directory, '--mmproj', join(directory, 'config.json'))
    expect(vision.status).not.toBe(0)
    expect(vision.err).toContain('mmproj: expected a model in GGUF for it')
    const capacity = await inspect('--model', directory, '--capacity', '0')
    expect(capacity.status).toBe(2)
    expect(capacity.err).toContain('--capacity takes a whole number from 1')
  })
})
