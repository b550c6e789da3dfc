import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { EncodableTensor, Gemma3VLModel } from '@loupe/model'
import { embeddedModelDirectory, loadGemma3VL } from '@loupe/model/node'
import { liveHandles } from '@loupe/model/runtime'
import { describe, expect, it } from 'vitest'
import {
  caseDirectory,
  expectedTensor,
  readCase,
  type Variant,
  worstDifference,
  worstUnpadded,
  writeVariant,
} from './golden-case.ts'

const CASE = 'one-image'

async function logitsOf(model: Gemma3VLModel): Promise<Float32Array> {
  const golden = await readCase(CASE)
  const imageFeatures: Float32Array[] = []
  for (const patches of golden.patches) imageFeatures.push(await model.getImageFeatures(patches))
  return (await model.forward({ ...golden, imageFeatures, returnLogits: true })).logits
}

async function logitsOfVariant(variant: Variant): Promise<Float32Array> {
  await using copy = await writeVariant(CASE, variant)
  using model = await loadGemma3VL(copy.directory)
  return await logitsOf(model)
}

const HALVES = {
  BF16: { toBits: toBfloat16, fromBits: fromBfloat16 },
  F16: { toBits: (value: number) => bitsOf(new Float16Array([value])), fromBits: fromFloat16 },
} as const

describe.each(['BF16', 'F16'] as const)('a checkpoint in %s', (dtype) => {
  const { toBits, fromBits } = HALVES[dtype]
  const everyTensor =
    (
      convert: (data: Float32Array) => EncodableTensor['data'],
      stored: 'F32' | typeof dtype,
    ): NonNullable<Variant['weights']> =>
    (tensors) => {
      for (const [name, { shape, data }] of tensors) {
        tensors.set(name, {
          dtype: stored,
          shape,
          data: convert(new Float32Array(Uint8Array.from(bytesOf(data)).buffer)),
        })
      }
    }

  it('gives what its numbers give as float32, and nearly what the reference gives', async () => {
    const half = await logitsOfVariant({ weights: everyTensor((data) => Uint16Array.from(data, toBits), dtype) })
    const rounded = await logitsOfVariant({
      weights: everyTensor((data) => data.map((x) => fromBits(toBits(x))), 'F32'),
    })
    expect(worstDifference(half, rounded)).toBeLessThan(1e-5)

    const golden = await readCase(CASE)
    const worst = worstUnpadded(golden, half, expectedTensor(golden, 'logits'))
    expect(worst).toBeGreaterThan(1e-5)
    // Eight bits of fraction leave 1 part in 256, eleven 1 in 2,048; logits here have a spread of about 1.
    expect(worst).toBeLessThan(dtype === 'BF16' ? 0.1 : 0.01)
  })
})

/** From how Transformers 5.18 saves to how others do. */
const DIALECTS: Record<string, readonly (readonly [RegExp, string])[]> = {
  'released files': [[/^vision_tower\./, 'vision_tower.vision_model.']],
  'Transformers 4.52 in memory': [
    [/^vision_tower\./, 'model.vision_tower.vision_model.'],
    [/^multi_modal/, 'model.multi_modal'],
    [/^language_model\.model\./, 'model.language_model.'],
  ],
  'Transformers 5.8 in memory': [
    [/^(vision_tower|multi_modal)/, 'model.$1'],
    [/^language_model\.model\./, 'model.language_model.'],
  ],
}

/** Gives every tensor another name; `undefined` drops it. */
function renamed(rename: (name: string) => string | undefined): NonNullable<Variant['weights']> {
  return (tensors) => {
    for (const [name, tensor] of [...tensors]) {
      const to = rename(name)
      tensors.delete(name)
      if (to !== undefined) tensors.set(to, tensor)
    }
  }
}

describe('a checkpoint in the spelling of', () => {
  it.each(Object.entries(DIALECTS))('%s gives the same', async (_, rewrites) => {
    const found = await logitsOfVariant({
      weights: renamed((name) => rewrites.reduce((text, [from, to]) => text.replace(from, to), name)),
    })
    const golden = await readCase(CASE)
    expect(worstUnpadded(golden, found, expectedTensor(golden, 'logits'))).toBeLessThan(2e-4)
  })

  it('the text-only class is a model without eyes', async () => {
    await using copy = await writeVariant('text-only', {
      config(config) {
        const text = { ...config['text_config'] }
        for (const key of Object.keys(config)) delete config[key]
        Object.assign(config, text)
      },
      weights: renamed((name) =>
        name.startsWith('language_model.') ? name.slice('language_model.'.length) : undefined,
      ),
    })
    using model = await loadGemma3VL(copy.directory)
    expect(model.config.kind).toBe('text')
    const golden = await readCase('text-only')
    const { logits } = await model.forward({ ...golden, returnLogits: true })
    expect(worstUnpadded(golden, logits, expectedTensor(golden, 'logits'))).toBeLessThan(2e-4)
    using sequence = model.startSequence({ capacityTokens: golden.tokens })
    const last = await sequence.prefill(golden.inputIds, [])
    expect(worstDifference(last, logits.subarray(-last.length))).toBeLessThan(2e-5)
    await expect(model.getImageFeatures(new Uint8Array(3))).rejects.toThrow(/reads text only/)
  })
})

describe('a checkpoint on disk', () => {
  it('may be a folder of links, as hub caches are, and of several shards', async () => {
    await using copy = await writeVariant(CASE, {
      weights: (tensors) => {
        for (const name of [...tensors.keys()].filter((key) => key.startsWith('vision'))) tensors.delete(name)
      },
    })
    await using rest = await writeVariant(CASE, {
      weights: (tensors) => {
        for (const name of [...tensors.keys()].filter((key) => !key.startsWith('vision'))) tensors.delete(name)
      },
    })
    const [blobs, snapshot] = [join(copy.directory, 'blobs'), join(copy.directory, 'snapshot')]
    await mkdir(blobs)
    await mkdir(snapshot)
    const weightMap: Record<string, string> = {}
    for (const [shard, directory] of [
      ['a', copy.directory],
      ['b', rest.directory],
    ] as const) {
      const bytes = await readFile(join(directory, 'model.safetensors'))
      await writeFile(join(blobs, `sha-${shard}`), bytes)
      await symlink(join('..', 'blobs', `sha-${shard}`), join(snapshot, `model-${shard}.safetensors`))
      const header = JSON.parse(bytes.subarray(8, 8 + Number(bytes.readBigUInt64LE(0))).toString())
      for (const name of Object.keys(header)) weightMap[name] = `model-${shard}.safetensors`
    }
    delete weightMap['__metadata__']
    await writeFile(join(snapshot, 'model.safetensors.index.json'), JSON.stringify({ weight_map: weightMap }))
    await symlink(join('..', 'config.json'), join(snapshot, 'config.json'))

    using model = await loadGemma3VL(snapshot)
    const golden = await readCase(CASE)
    expect(worstUnpadded(golden, await logitsOf(model), expectedTensor(golden, 'logits'))).toBeLessThan(2e-4)
  })

  it('may leave the image token out of its embedding table', async () => {
    const rows = 310 // the id of the image token in the golden cases
    await using copy = await writeVariant(CASE, {
      config: ({ text_config: text }) => Object.assign(text ?? {}, { vocab_size: rows }),
      weights: (tensors) => {
        const [name, { dtype, shape, data }] =
          [...tensors].find(([key]) => key.includes('embed_tokens')) ?? expect.fail()
        const [, width = 0] = shape
        tensors.set(name, { dtype, shape: [rows, width], data: bytesOf(data).subarray(0, rows * width * 4) })
      },
    })
    using model = await loadGemma3VL(copy.directory)
    expect(model.config.imageTokenId).toBe(rows)
    const golden = await readCase(CASE)
    const expected = expectedTensor(golden, 'logits')
    const whole = expected.length / golden.tokens
    const cut = expected.filter((_, index) => index % whole < rows)
    expect(worstUnpadded(golden, await logitsOf(model), cut)).toBeLessThan(2e-4)
  })

  it('is refused when a tensor is missing', async () => {
    await using copy = await writeVariant(CASE, {
      weights: (tensors) => void tensors.delete('language_model.model.norm.weight'),
    })
    await expect(loadGemma3VL(copy.directory)).rejects.toThrow(/language_model\.norm\.weight/)
  })
})

describe('a disposed model', () => {
  it('leaves nothing behind', async () => {
    const before = liveHandles()
    const model = await loadGemma3VL(caseDirectory(CASE))
    await logitsOf(model)
    const sequence = model.startSequence({ capacityTokens: 16 })
    await sequence.prefill(Int32Array.of(2, 7, 9), [])
    await sequence.decode(11)
    expect(liveHandles()).toBeGreaterThan(before)
    sequence[Symbol.dispose]()
    model[Symbol.dispose]()
    expect(liveHandles()).toBe(before)
    await expect(model.getImageFeatures(new Uint8Array(16 * 588))).rejects.toThrow(/after it was disposed/)
  })
})

describe('the embedded model', () => {
  it('answers a sequence with a picture at full size', async () => {
    using model = await loadGemma3VL(embeddedModelDirectory())
    const { bosTokenId, boiTokenId, imageTokenId, eoiTokenId, tokensPerImage, vision } = model.config
    expect({ tokensPerImage, imageSize: vision?.imageSize }).toEqual({ tokensPerImage: 256, imageSize: 896 })
    const features = await model.getImageFeatures(new Uint8Array(4096 * 588).fill(128))
    const image = [boiTokenId, ...Array.from({ length: tokensPerImage }, () => imageTokenId), eoiTokenId]
    using sequence = model.startSequence({ capacityTokens: 300 })
    const logits = await sequence.prefill(Int32Array.from([bosTokenId, ...image, 108]), [features])
    expect(logits.length).toBe(model.config.text.vocabSize)
    expect(logits.every(Number.isFinite)).toBe(true)
  })
})

function bytesOf(data: ArrayBufferView): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
}

function bitsOf(data: ArrayBufferView): number {
  return new DataView(data.buffer, data.byteOffset).getUint16(0, true)
}

function fromFloat16(bits: number): number {
  return new Float16Array(Uint16Array.of(bits).buffer)[0] ?? Number.NaN
}

/** To the nearest, ties to even. */
function toBfloat16(value: number): number {
  const bits = new Uint32Array(Float32Array.of(value).buffer)[0] ?? 0
  return (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16
}

function fromBfloat16(bits: number): number {
  return new Float32Array(Uint32Array.of(bits << 16).buffer)[0] ?? Number.NaN
}
