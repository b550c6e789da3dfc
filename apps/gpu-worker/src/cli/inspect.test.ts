import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type EncodableTensor, encodeSafetensors, expectedTensors, parseGemma3Config } from '@loupe/model'
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
    expect(report.memory.cpu).toEqual({
      weightsBytes: 4 * parameters + 2 * 256,
      cacheBytesPerToken: 2 * 2 * 2 * 4 * 4,
      visionBytes: 4 * 8 * 6 * 4,
    })
    expect(report.tensors).toContainEqual({
      name: 'language_model.layers.*.mlp.up_proj.weight',
      count: 2,
      dtype: 'BF16',
      shape: [12, 8],
      parameters: 192,
      bytes: 384,
    })
  })

  it('shows the same to a person', async () => {
    const { status, out, err } = await inspect('--model', directory)
    expect([status, err]).toEqual([0, ''])
    expect(out).toContain('Gemma 3 vision-language')
    expect(out).toContain('51 tensors in 2 files')
    expect(out).toContain('sampled, temperature 1, top-k 64, top-p 1, stops at 1, 106')
    expect(out).toMatch(/^language_model\.layers\.\*\.mlp\.up_proj\.weight +2 +BF16 +\[12, 8\] +384 B$/m)
    expect(out).toMatch(/keys and values of 1000 tokens +125 KiB/)
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

  it('refuses a vision file beside a checkpoint that is no GGUF', async () => {
    const { status, err } = await inspect('--model', directory, '--mmproj', 'mmproj.gguf')
    expect(status).not.toBe(0)
    expect(err).toContain('--mmproj needs a --model that ends in .gguf')
  })
})
