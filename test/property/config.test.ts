/** Hostile `config.json` and `generation_config.json`, through the reader of files. */
import { type ModelConfig, readModelConfig } from '@loupe/model'
import { AppError } from '@loupe/shared/errors'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type WatchedFile, watchedFiles } from '../support/watched-files.ts'

const CONFIG = 'config.json'
const GENERATION = 'generation_config.json'
const MIB = 1024 * 1024

type Json = Record<string, unknown>

const SCALED = { rope_scaling: { factor: 8, rope_type: 'linear' }, sliding_window: 1024 }
const textOnly = (sizes: Json): Json => ({
  architectures: ['Gemma3ForCausalLM'],
  model_type: 'gemma3_text',
  num_attention_heads: 4,
  num_key_value_heads: 1,
  sliding_window: 512,
  sliding_window_pattern: 6,
  rope_theta: 1_000_000,
  rope_local_base_freq: 10_000,
  rope_scaling: null,
  query_pre_attn_scalar: 256,
  eos_token_id: [1, 106],
  vocab_size: 262_144,
  torch_dtype: 'bfloat16',
  ...sizes,
})

/** As the released files say it, and as Transformers 5 does. */
const FILES: Record<string, Json> = {
  '270m': textOnly({ hidden_size: 640, num_hidden_layers: 18, intermediate_size: 2048 }),
  '1b': textOnly({ hidden_size: 1152, num_hidden_layers: 26, intermediate_size: 6912 }),
  '4b, with its five fields': {
    architectures: ['Gemma3ForConditionalGeneration'],
    model_type: 'gemma3',
    boi_token_index: 255_999,
    eoi_token_index: 256_000,
    image_token_index: 262_144,
    mm_tokens_per_image: 256,
    text_config: { hidden_size: 2560, intermediate_size: 10_240, num_hidden_layers: 34, ...SCALED },
    vision_config: { hidden_size: 1152, image_size: 896, num_attention_heads: 16, patch_size: 14 },
  },
  '27b': {
    model_type: 'gemma3',
    eos_token_id: [1, 106],
    text_config: {
      hidden_size: 5376,
      intermediate_size: 21_504,
      num_hidden_layers: 62,
      num_attention_heads: 32,
      num_key_value_heads: 16,
      head_dim: 128,
      query_pre_attn_scalar: 168,
      ...SCALED,
    },
    vision_config: {},
  },
  'of Transformers 5': {
    model_type: 'gemma3',
    dtype: 'bfloat16',
    text_config: {
      model_type: 'gemma3_text',
      hidden_size: 64,
      num_hidden_layers: 3,
      layer_types: ['sliding_attention', 'full_attention', 'sliding_attention'],
      rope_parameters: {
        full_attention: { rope_type: 'linear', factor: 8, rope_theta: 1e6 },
        sliding_attention: { rope_type: 'default', rope_theta: 1e4 },
      },
      final_logit_softcapping: null,
      use_bidirectional_attention: false,
    },
    vision_config: { model_type: 'siglip_vision_model', layer_norm_eps: 1e-6 },
  },
}

/** Reads the files. Anything but a sane config or `config.invalid` fails the test. */
async function readOrRefuse(files: Record<string, WatchedFile>): Promise<string> {
  const watched = watchedFiles(files)
  try {
    expectSane(await readModelConfig(watched))
    return 'read'
  } catch (thrown) {
    if (!AppError.isInstance(thrown)) throw thrown
    expect(thrown.code).toBe('config.invalid')
    expect(thrown.detail.length).toBeLessThan(10_000)
    return thrown.detail
  } finally {
    expect(watched.largestRead).toBeLessThanOrEqual(MIB)
  }
}

/** Nothing that is sized by a config can become huge, and no number is odd. */
function expectSane({ config, generation }: ModelConfig): void {
  const { text, vision } = config
  const numbersOf = (part: object) => Object.values(part).filter((value) => typeof value === 'number')
  const computedWith = [text, vision ?? {}, text.ropeLocal, text.ropeGlobal, config].flatMap(numbersOf)
  expect(computedWith.every((value) => value === 0 || Number.isFinite(Math.log(Math.abs(Math.fround(value)))))).toBe(
    true,
  )
  expect(numbersOf(generation).every(Number.isFinite)).toBe(true)
  expect(text.layerTypes).toHaveLength(text.layers)
  expect(text.layers).toBeLessThanOrEqual(1024)
  expect(config.eosTokenIds.length).toBeLessThanOrEqual(64)
  expect(text.queryHeads % text.keyHeads).toBe(0)
  if (vision !== undefined) expect(Number.isInteger(Math.sqrt(config.tokensPerImage))).toBe(true)
}

/** JSON texts that stand for no value that a config could have, and some that could be. */
const HOSTILE = [
  ...[
    '1e999',
    '-1e999',
    '9007199254740992',
    '1152921504606846976',
    '18446744073709551615',
    '-0',
    '-1',
    '0.5',
    '1e-400',
  ],
  ...['16777216', '16777217', '0', '1', '2', '3', '64', 'null', 'true', 'false', '""', '"1"', '[]', '{}', '[[]]'],
  ...['"gelu_pytorch_tanh"', '"linear"', '"full_attention"', '["full_attention"]', '[1,1,1]', '{"__proto__":1}'],
  `[${'1,'.repeat(5000)}1]`,
  `[${'"full_attention",'.repeat(2000)}"x"]`,
  `${'['.repeat(20_000)}${']'.repeat(20_000)}`,
  `"${'x'.repeat(50_000)}"`,
]

/** Puts a text in the place of one of the values of a JSON value, or beside them. */
function spoiled(value: Json, place: number, key: string, text: string): string {
  const holders: Json[] = []
  const collect = (at: unknown) => {
    if (typeof at !== 'object' || at === null) return
    if (!Array.isArray(at)) holders.push(at as Json) // an object that is no list is a record
    for (const child of Object.values(at)) collect(child)
  }
  const copy = structuredClone(value)
  collect(copy)
  const places = holders.flatMap((holder) => [...Object.keys(holder), key].map((name) => [holder, name] as const))
  const [holder, name] = places[place % places.length] ?? [copy, key]
  // Own even when it is called __proto__.
  Object.defineProperty(holder, name, { value: '\u0000', enumerable: true, configurable: true, writable: true })
  return JSON.stringify(copy).replace('"\\u0000"', () => text)
}

const key = fc.oneof(
  fc.constantFrom(
    '__proto__',
    'constructor',
    'rope_scaling',
    'layer_types',
    'head_dim',
    'vision_config',
    'text_config',
  ),
  fc.string(),
)
const text = fc.oneof(
  fc.constantFrom(...HOSTILE),
  fc.jsonValue({ depthSize: 'medium' }).map((value) => JSON.stringify(value)),
  fc.bigInt({ min: -(2n ** 64n), max: 2n ** 64n }).map(String),
  fc.double().map((value) => String(value).replace(/^(NaN|-?Infinity)$/, '1e999')),
)
const utf8 = (json: string) => new TextEncoder().encode(json)

describe.each(Object.entries(FILES))('the config %s', (_, file) => {
  it('is read', async () => {
    expect(await readOrRefuse({ [CONFIG]: utf8(JSON.stringify(file)) })).toBe('read')
  })

  it('is read or refused when any of its values is another, or it has one more', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), key, text, async (place, name, value) => {
        await readOrRefuse({ [CONFIG]: utf8(spoiled(file, place, name, value)) })
      }),
      { numRuns: 300 },
    )
  })

  it('is read or refused with any generation_config.json', async () => {
    const sampling = {
      eos_token_id: [1, 106],
      do_sample: true,
      top_k: 64,
      top_p: 0.95,
      temperature: 1,
      bos_token_id: 2,
    }
    await fc.assert(
      fc.asyncProperty(fc.nat(), key, text, async (place, name, value) => {
        const generation = utf8(spoiled(sampling, place, name, value))
        await readOrRefuse({ [CONFIG]: utf8(JSON.stringify(file)), [GENERATION]: generation })
      }),
      { numRuns: 100 },
    )
  })
})

describe('a config.json', () => {
  const good = utf8(JSON.stringify(FILES['1b']))

  it('of random bytes is refused', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200, size: 'max' }), async (bytes) => {
        expect(await readOrRefuse({ [CONFIG]: bytes })).not.toBe('read')
      }),
    )
  })

  it('of any JSON is refused', async () => {
    await fc.assert(
      fc.asyncProperty(fc.jsonValue(), async (value) => {
        expect(await readOrRefuse({ [CONFIG]: utf8(JSON.stringify(value)) })).not.toBe('read')
      }),
    )
  })

  it.each<[string, Record<string, WatchedFile>, string]>([
    [
      'of 2^53 - 1 bytes',
      { [CONFIG]: { head: good, claimedBytes: 2 ** 53 - 1 } },
      'config.json: expected at most 1048576',
    ],
    [
      'beside a generation_config.json of 2^40 bytes',
      { [CONFIG]: good, [GENERATION]: { head: good, claimedBytes: 2 ** 40 } },
      'generation_config.json: expected at most 1048576',
    ],
    ['that is cut off', { [CONFIG]: good.slice(0, -1) }, 'config.json: expected JSON'],
    ['that is not there', {}, 'Expected config.json, found no such file'],
    ['nested a million deep', { [CONFIG]: utf8('['.repeat(MIB)) }, 'config.json: expected JSON'],
    [
      'that is nested as deep as it is long',
      { [CONFIG]: utf8('['.repeat(MIB / 2) + ']'.repeat(MIB / 2)) },
      'config.json',
    ],
    [
      'with 1e999 layers',
      { [CONFIG]: utf8('{"model_type":"gemma3_text","num_hidden_layers":1e999}') },
      'a whole number',
    ],
    [
      'with 2^53 layers',
      { [CONFIG]: utf8(`{"model_type":"gemma3_text","num_hidden_layers":${2 ** 53}}`) },
      'found 9007',
    ],
  ])('%s is refused', async (_, files, detail) => {
    expect(await readOrRefuse(files)).toContain(detail)
  })
})
