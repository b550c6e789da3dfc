/** A good pair of GGUF files, spoiled in one place: it is still a model, or refused. */
import { type Gemma3Config, openGgufModel, readGgufWeight } from '@loupe/model'
import { AppError } from '@loupe/shared/errors'
import { buildGgufTokenizerArtifact, loadTokenizer } from '@loupe/shared/tokenizer'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ggufVocabulary } from '../support/gguf-vocabulary.ts'
import { encodeGguf, type WritableTensor, type WritableValue } from '../support/gguf-writer.ts'
import { tinyTokenizerJson } from '../support/tokenizer-files.ts'
import { watchedFiles } from '../support/watched-files.ts'

/** One layer of everything, 320 rows of the smallest width that holds a block. */
const [ROWS, WIDTH, WIDE] = [320, 32, 64]
const floats = (...shape: number[]): WritableTensor => {
  const bytes = 4 * shape.reduce((product, size) => product * size, 1)
  return { dtype: 'F32', shape, data: new Uint8Array(bytes) }
}
const vector = floats(WIDTH)
const square = floats(WIDTH, WIDTH)

const LANGUAGE: Record<string, WritableTensor> = {
  'token_embd.weight': floats(ROWS, WIDTH),
  'output_norm.weight': vector,
  ...Object.fromEntries(
    ['attn_norm', 'post_attention_norm', 'ffn_norm', 'post_ffw_norm'].map((name) => [`blk.0.${name}.weight`, vector]),
  ),
  ...Object.fromEntries(['attn_q_norm', 'attn_k_norm'].map((name) => [`blk.0.${name}.weight`, floats(16)])),
  'blk.0.attn_q.weight': square,
  'blk.0.attn_k.weight': floats(16, WIDTH),
  'blk.0.attn_v.weight': floats(16, WIDTH),
  'blk.0.attn_output.weight': square,
  'blk.0.ffn_gate.weight': floats(WIDE, WIDTH),
  'blk.0.ffn_up.weight': floats(WIDE, WIDTH),
  'blk.0.ffn_down.weight': floats(WIDTH, WIDE),
}
const VISION: Record<string, WritableTensor> = {
  'v.patch_embd.weight': floats(WIDTH, 3, 14, 14),
  'v.patch_embd.bias': vector,
  'v.position_embd.weight': floats(16, WIDTH),
  ...Object.fromEntries(
    ['v.post_ln', 'v.blk.0.ln1', 'v.blk.0.ln2'].flatMap((name) => [
      [`${name}.weight`, vector],
      [`${name}.bias`, vector],
    ]),
  ),
  ...Object.fromEntries(
    ['attn_q', 'attn_k', 'attn_v', 'attn_out'].flatMap((name) => [
      [`v.blk.0.${name}.weight`, square],
      [`v.blk.0.${name}.bias`, vector],
    ]),
  ),
  'v.blk.0.ffn_down.weight': floats(WIDE, WIDTH),
  'v.blk.0.ffn_down.bias': floats(WIDE),
  'v.blk.0.ffn_up.weight': floats(WIDTH, WIDE),
  'v.blk.0.ffn_up.bias': vector,
  'mm.soft_emb_norm.weight': vector,
  'mm.input_projection.weight': square,
}
const uint32 = (value: number): WritableValue => ['uint32', value]
const halves: WritableValue = ['array', 'float32', [0.5, 0.5, 0.5]]
const LANGUAGE_KEYS: Record<string, WritableValue> = {
  'general.architecture': ['string', 'gemma3'],
  'gemma3.block_count': uint32(1),
  'gemma3.context_length': uint32(512),
  'gemma3.embedding_length': uint32(WIDTH),
  'gemma3.feed_forward_length': uint32(WIDE),
  'gemma3.attention.head_count': uint32(2),
  'gemma3.attention.head_count_kv': uint32(1),
  'gemma3.attention.key_length': uint32(16),
  'gemma3.attention.value_length': uint32(16),
  'gemma3.attention.layer_norm_rms_epsilon': ['float32', 1e-6],
  'gemma3.attention.sliding_window': uint32(12),
  'gemma3.rope.freq_base': ['float32', 1e6],
  'gemma3.rope.scaling.type': ['string', 'linear'],
  'gemma3.rope.scaling.factor': ['float32', 8],
}
const VISION_KEYS: Record<string, WritableValue> = {
  'general.architecture': ['string', 'clip'],
  'clip.projector_type': ['string', 'gemma3'],
  'clip.use_gelu': ['bool', true],
  'clip.vision.image_size': uint32(56),
  'clip.vision.patch_size': uint32(14),
  'clip.vision.embedding_length': uint32(WIDTH),
  'clip.vision.feed_forward_length': uint32(WIDE),
  'clip.vision.block_count': uint32(1),
  'clip.vision.projection_dim': uint32(WIDTH),
  'clip.vision.attention.head_count': uint32(2),
  'clip.vision.attention.layer_norm_epsilon': ['float32', 1e-6],
  'clip.vision.projector.scale_factor': uint32(2),
  'clip.vision.image_mean': halves,
  'clip.vision.image_std': halves,
}

interface Pair {
  readonly keys: Readonly<Record<string, WritableValue>>
  readonly tensors: Readonly<Record<string, WritableTensor>>
}
const GOOD = {
  language: { keys: LANGUAGE_KEYS, tensors: LANGUAGE },
  vision: { keys: VISION_KEYS, tensors: VISION },
} as const satisfies Record<string, Pair>

/** Opens the pair and reads a row of every weight. Anything but a sane model or a clean refusal fails the test. */
async function openOrRefuse({ language, vision }: Record<keyof typeof GOOD, Pair>): Promise<string> {
  const encode = ({ keys, tensors }: Pair) => encodeGguf({ metadata: keys, tensors })
  const files = watchedFiles({ a: encode(language), b: encode(vision) })
  try {
    const { config, weights } = await openGgufModel({ files, file: 'a' }, { files, file: 'b' })
    expectSane(config)
    for (const weight of weights.values()) for await (const _ of readGgufWeight(weight, { start: 0, end: 1 }));
    return 'opened'
  } catch (thrown) {
    if (!AppError.isInstance(thrown)) throw thrown
    expect(['weights.invalid', 'config.invalid']).toContain(thrown.code)
    expect(thrown.detail.length).toBeLessThan(10_000)
    return thrown.detail
  } finally {
    expect(files.largestRead).toBeLessThanOrEqual(1024 * 1024)
  }
}

function expectSane({ text, vision }: Gemma3Config): void {
  const numbers = [text, text.ropeLocal, text.ropeGlobal, vision ?? {}]
    .flatMap((part) => Object.values(part))
    .filter((value) => typeof value === 'number')
  expect(numbers.every((value) => Math.fround(value) > 0 && Number.isFinite(Math.fround(value)))).toBe(true)
  expect(text.layerTypes).toHaveLength(text.layers)
}

const LARGE = [2n ** 31n, 2n ** 32n - 1n, 2n ** 53n, 2n ** 60n, 2n ** 63n, 2n ** 64n - 1n]
const hostile: fc.Arbitrary<WritableValue> = fc.oneof(
  fc.constantFrom(...LARGE).map((value): WritableValue => ['uint64', value]),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((value): WritableValue => ['int64', value]),
  fc.constantFrom(0, 1, 2, 3, 7, 16, 1024, 1025, 2 ** 24, 2 ** 32 - 1).map(uint32),
  fc.float().map((value): WritableValue => ['float32', value]),
  fc.double().map((value): WritableValue => ['float64', value]),
  fc.boolean().map((value): WritableValue => ['bool', value]),
  fc.string({ maxLength: 200, size: 'max' }).map((value): WritableValue => ['string', value]),
  fc.array(fc.nat(3), { maxLength: 2000, size: 'max' }).map((value): WritableValue => ['array', 'uint8', value]),
  fc.array(fc.float(), { maxLength: 10 }).map((value): WritableValue => ['array', 'float32', value]),
  fc.array(fc.string(), { maxLength: 10 }).map((value): WritableValue => ['array', 'string', value]),
)
const part = fc.constantFrom('language', 'vision')

describe('a pair of GGUF files', () => {
  it('is a model', async () => {
    expect(await openOrRefuse(GOOD)).toBe('opened')
  })

  it('is one or is refused when any of its keys says something else', async () => {
    const extra = fc.constantFrom(
      'gemma3.attention.sliding_window_pattern',
      'gemma3.rope.freq_base_swa',
      'gemma3.vocab_size',
      'clip.vision.projector_type',
      'split.count',
      'tokenizer.ggml.tokens',
      'tokenizer.ggml.eot_token_id',
      'gemma3.new',
      'clip.new',
    )
    await fc.assert(
      fc.asyncProperty(part, fc.nat(), fc.option(extra), hostile, async (which, at, added, value) => {
        const names = Object.keys(GOOD[which].keys)
        const key = added ?? names[at % names.length] ?? ''
        await openOrRefuse({ ...GOOD, [which]: { ...GOOD[which], keys: { ...GOOD[which].keys, [key]: value } } })
      }),
      { numRuns: 500 },
    )
  })

  it('is refused when a tensor is missing, has another name, another shape, or is there for nothing', async () => {
    const change = fc.constantFrom('drop', 'rename', 'transpose', 'flatten', 'add')
    await fc.assert(
      fc.asyncProperty(part, fc.nat(), change, async (which, at, kind) => {
        const entries = Object.entries<WritableTensor>(GOOD[which].tensors)
        const [name, tensor] = entries[at % entries.length] ?? expect.fail('no tensors')
        const { [name]: _, ...others } = GOOD[which].tensors as Record<string, WritableTensor>
        const spoiled: Record<typeof kind, () => Record<string, WritableTensor>> = {
          drop: () => others,
          rename: () => ({ ...others, [`${name}x`]: tensor }),
          transpose: () => ({ ...others, [name]: { ...tensor, shape: tensor.shape.toReversed() } }),
          flatten: () => ({ ...others, [name]: { ...tensor, shape: [1, ...tensor.shape].slice(-4) } }),
          add: () => ({ ...GOOD[which].tensors, [`blk.1.${name}`]: vector }),
        }
        const isSame = tensor.shape.join() === tensor.shape.toReversed().join()
        fc.pre(!(kind === 'transpose' && isSame) && !(kind === 'flatten' && tensor.shape.length === 4))
        const found = await openOrRefuse({ ...GOOD, [which]: { ...GOOD[which], tensors: spoiled[kind]() } })
        expect(found).toMatch(/missing|unexpected|of another shape|expected/)
      }),
      { numRuns: 150 },
    )
  })
})

describe('the vocabulary of a GGUF file', () => {
  const GOOD_KEYS = new Map(
    Object.entries(ggufVocabulary(tinyTokenizerJson())).map(([key, [type, ...rest]]) => {
      const value = rest.at(-1)
      if (type !== 'array') return [key, value] as const
      return [key, rest[0] === 'float32' ? Float32Array.from(value as number[]) : listOf(rest[0], value)] as const
    }),
  )

  function listOf(type: unknown, value: unknown): unknown {
    return type === 'int32' ? Int32Array.from(value as number[]) : value // numbers, as the writer takes them
  }

  const value: fc.Arbitrary<unknown> = fc.oneof(
    fc.constantFrom(undefined, 0, -1, 2 ** 53, 2n ** 60n, '', 'llama', true, false, Number.NaN, [], [''], [[]]),
    fc.array(fc.string({ unit: 'binary' }), { maxLength: 300, size: 'max' }),
    fc.float32Array({ maxLength: 300, size: 'max' }),
    fc.int32Array({ maxLength: 300, size: 'max' }),
    fc.bigInt64Array({ maxLength: 3 }),
  )

  /** Builds a tokenizer and uses it, unless the keys are refused. */
  function buildOrRefuse(keys: ReadonlyMap<string, unknown>): void {
    try {
      const tokenizer = loadTokenizer(buildGgufTokenizerArtifact(keys))
      const ids = tokenizer.encode('a picture of <bos> äß🙂 and more')
      expect([...ids].every((id) => id < tokenizer.vocabSize)).toBe(true)
    } catch (thrown) {
      if (!AppError.isInstance(thrown)) throw thrown
      expect(thrown.code).toBe('tokenizer.invalid')
      expect(thrown.detail.length).toBeLessThan(10_000)
    }
  }

  it('is read or refused when any of its keys says something else', () => {
    fc.assert(
      fc.property(fc.constantFrom(...GOOD_KEYS.keys()), value, (key, other) => {
        buildOrRefuse(new Map([...GOOD_KEYS, [key, other]]))
      }),
      { numRuns: 60 },
    )
  })

  it('is read or refused when one of its entries is another', () => {
    const lists = ['tokens', 'scores', 'token_type'].map((name) => `tokenizer.ggml.${name}`)
    const entry = fc.oneof(fc.string({ unit: 'binary', maxLength: 300, size: 'max' }), fc.double(), fc.integer())
    fc.assert(
      fc.property(fc.constantFrom(...lists), fc.nat(), entry, (key, at, other) => {
        const list = GOOD_KEYS.get(key)
        const copy: { [index: number]: unknown; length: number } = Array.isArray(list)
          ? [...list]
          : (structuredClone(list) as Float32Array) // one of the two number lists
        copy[at % copy.length] = Array.isArray(copy) ? String(other) : Number(other)
        buildOrRefuse(new Map([...GOOD_KEYS, [key, copy]]))
      }),
      { numRuns: 40 },
    )
  })
})
