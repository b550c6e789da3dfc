/** Members of the class that take pictures or embeddings, on their own and together. */
import { type Gemma3VLModel, Gemma3VLMultimodalProjectorConfig } from '@loupe/model'
import { loadGemma3VL, loadPipeline } from '@loupe/model/node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  expectedTensor,
  type GoldenCase,
  readCase,
  TOLERANCE,
  worstDifference,
  worstUnpadded,
  writeVariant,
} from './golden-case.ts'

const PATCH = 14

/** `[n·3·S·S]` as the processor of Transformers gives it, from the bytes of patches. */
function pixelValues(pictures: readonly Uint8Array[]): Float32Array {
  const [size = 0] = pictures.map((picture) => picture.length)
  const side = Math.sqrt(size / 3)
  const values = new Float32Array(pictures.length * size)
  for (const [n, picture] of pictures.entries()) {
    for (const [at, byte] of picture.entries()) {
      const patch = Math.floor(at / (PATCH * PATCH * 3))
      const [y, x, channel] = [Math.floor(at / (PATCH * 3)) % PATCH, Math.floor(at / 3) % PATCH, at % 3]
      const perRow = side / PATCH
      const [row, column] = [Math.floor(patch / perRow) * PATCH + y, (patch % perRow) * PATCH + x]
      values[n * size + (channel * side + row) * side + column] = Math.fround(Math.fround(byte / 255) - 0.5) / 0.5
    }
  }
  return values
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]))
}

describe('two pictures', () => {
  let golden: GoldenCase
  let model: Gemma3VLModel
  beforeAll(async () => {
    golden = await readCase('two-images')
    model = await loadGemma3VL(golden.directory, { threads: 1 })
  })
  afterAll(() => model[Symbol.dispose]())

  it('have the features of the reference as bytes and as pixel values, one by one and together', async () => {
    const expected = expectedTensor(golden, 'image_features')
    const together = await model.getImageFeatures(joined(golden.patches))
    expect(worstDifference(together, expected)).toBeLessThan(TOLERANCE.default)
    const fromValues = await model.getImageFeatures(pixelValues(golden.patches))
    // The processor's floats are the very numbers that the bytes stand for.
    expect(fromValues).toEqual(together)
    const [first = new Uint8Array()] = golden.patches
    expect(await model.getImageFeatures(first)).toEqual(together.slice(0, together.length / 2))
    expect(await model.getImageFeatures(pixelValues([first]))).toEqual(together.slice(0, together.length / 2))
  })

  it('go through the tower and then through the projector as through both', async () => {
    const { visionTower, multiModalProjector } = model
    if (visionTower === undefined || multiModalProjector === undefined) expect.fail('expected both')
    const states = await visionTower.forward(joined(golden.patches))
    expect(worstDifference(states, expectedTensor(golden, 'vision_last_hidden_state'))).toBeLessThan(TOLERANCE.default)
    const features = await multiModalProjector.forward(states)
    expect(worstDifference(features, expectedTensor(golden, 'image_features'))).toBeLessThan(TOLERANCE.default)
    expect(worstDifference(features, await model.getImageFeatures(joined(golden.patches)))).toBeLessThan(1e-5)
    const { config } = multiModalProjector
    expect({ ...config }).toMatchObject({ imageSize: 56, patchDim: 14, tokensPerImage: 4, hiddenSize: 48 })
    const code = 'tensor.invalid'
    const detail = expect.stringMatching(/vision states: expected \[n, 16, \d+\], found 5 numbers\./)
    await expect(multiModalProjector.forward(new Float32Array(5))).rejects.toMatchObject({ code, detail })
    await expect(multiModalProjector.forward(new Float32Array())).rejects.toMatchObject({ code })
  })

  it('are looked at by forward itself', async () => {
    const { inputIds } = golden
    const { logits } = await model.forward({ inputIds, pixelValues: joined(golden.patches) })
    expect(worstDifference(logits, expectedTensor(golden, 'logits'))).toBeLessThan(TOLERANCE.default)
    using pipeline = await loadPipeline(golden.directory, { stages: 2, threads: 1 })
    const staged = await pipeline.forward({ inputIds, pixelValues: pixelValues(golden.patches) })
    expect(worstDifference(staged.logits, logits)).toBeLessThan(1e-5)
  })

  it('are refused where they do not fit', async () => {
    const { inputIds, patches } = golden
    const [first = new Uint8Array()] = patches
    const refusal = (work: Promise<unknown>, code: string, detail: RegExp) =>
      expect(work).rejects.toMatchObject({ code, detail: expect.stringMatching(detail) })
    const one = { inputIds, pixelValues: first }
    await refusal(model.forward(one), 'image.count_mismatch', /Expected 2 images .* found pixels of 1\./)
    await refusal(model.forward({ ...one, imageFeatures: [] }), 'tensor.invalid', /found both/)
    await refusal(
      model.forward({ inputIds, pixelValues: new Float32Array(9) }),
      'tensor.invalid',
      /3 × 56 × 56 numbers/,
    )
    await refusal(model.getImageFeatures(first.subarray(1)), 'tensor.invalid', /whole pictures of 16 × 588 bytes/)
    await refusal(model.getImageFeatures(new Uint8Array()), 'tensor.invalid', /found 0\./)
  })

  it('replace their places in embeddings that are given', async () => {
    const { inputIds } = golden
    const embedded = expectedTensor(golden, 'hidden_states.0')
    const expected = expectedTensor(golden, 'logits')
    const width = model.config.text.hiddenSize
    const withoutPictures = embedded.map((value, index) =>
      inputIds[Math.floor(index / width)] === model.config.imageTokenId ? 7 : value,
    )
    const bytes = joined(golden.patches)
    const given = withoutPictures.slice()
    const found = await model.forward({ inputIds, inputsEmbeds: given, pixelValues: bytes })
    expect(worstDifference(found.logits, expected)).toBeLessThan(TOLERANCE.default)
    expect(given, 'what belongs to the caller').toEqual(withoutPictures)
    // The caller may have put them in already; ids still say who sees whom.
    const own = await model.forward({ inputIds, inputsEmbeds: embedded })
    expect(worstDifference(own.logits, expected)).toBeLessThan(TOLERANCE.default)
    const causal = await model.forward({ inputsEmbeds: embedded })
    expect(worstDifference(causal.logits, expected)).toBeGreaterThan(10 * TOLERANCE.default)
  })

  it('cannot be given without ids', async () => {
    const inputsEmbeds = expectedTensor(golden, 'hidden_states.0')
    const code = 'image.count_mismatch'
    const pictures = { pixelValues: joined(golden.patches) }
    await expect(model.forward({ inputsEmbeds, ...pictures })).rejects.toMatchObject({ code })
    const features = { imageFeatures: [expectedTensor(golden, 'image_features')] }
    await expect(model.forward({ inputsEmbeds, ...features })).rejects.toMatchObject({ code })
    await expect(model.forward({})).rejects.toMatchObject({ code: 'tensor.invalid', detail: /found neither/ })
    const wrong = inputsEmbeds.subarray(1)
    await expect(model.forward({ inputsEmbeds: wrong })).rejects.toMatchObject({ code: 'tensor.invalid' })
    const { inputIds } = golden
    const detail = `inputs_embeds: expected [1, ${golden.tokens}, 48], found ${wrong.length} numbers.`
    await expect(model.forward({ inputIds, inputsEmbeds: wrong })).rejects.toMatchObject({ detail })
  })
})

describe('embeddings in place of ids', () => {
  it('are what a batch with padding reads, in parts and in stages', async () => {
    const golden = await readCase('batch-left-pad')
    const { rows, inputIds, attentionMask } = golden
    const request = { rows, inputIds, attentionMask, inputsEmbeds: expectedTensor(golden, 'hidden_states.0') }
    using pipeline = await loadPipeline(golden.directory, { stages: 2, threads: 1 })
    for (const partTokens of [512, 9]) {
      const { logits } = await pipeline.forward({ ...request, partTokens })
      expect(worstUnpadded(golden, logits, expectedTensor(golden, 'logits'))).toBeLessThan(TOLERANCE.default)
    }
  })

  it('do for a text model too, on every stage', async () => {
    await using copy = await writeVariant('text-only', {
      config(config) {
        const text = { ...config['text_config'] }
        for (const key of Object.keys(config)) delete config[key]
        Object.assign(config, text)
      },
      weights(tensors) {
        for (const name of [...tensors.keys()]) if (!name.startsWith('language_model.')) tensors.delete(name)
      },
    })
    const golden = await readCase('text-only')
    using pipeline = await loadPipeline(copy.directory, { stages: 2, threads: 1 })
    const { logits } = await pipeline.forward({ inputsEmbeds: expectedTensor(golden, 'hidden_states.0') })
    expect(worstDifference(logits, expectedTensor(golden, 'logits'))).toBeLessThan(TOLERANCE.default)
    await expect(pipeline.getImageFeatures(new Uint8Array(9))).rejects.toMatchObject({ code: 'request.unsupported' })
  })
})

describe('the config of a projector', () => {
  it('has the sizes of the released 4B model where nothing else is said', () => {
    expect({ ...new Gemma3VLMultimodalProjectorConfig() }).toEqual({
      inputSize: 1152,
      hiddenSize: 2560,
      imageSize: 896,
      patchDim: 14,
      tokensPerImage: 256,
      layernormEpsilon: 1e-6,
    })
    expect(new Gemma3VLMultimodalProjectorConfig({ hiddenSize: 3840 })).toMatchObject({
      hiddenSize: 3840,
      imageSize: 896,
    })
  })

  it.each([{ tokensPerImage: 255 }, { tokensPerImage: 36 }, { patchDim: 13 }, { imageSize: 0 }])(
    'refuses %j',
    (sizes) => {
      const build = () => new Gemma3VLMultimodalProjectorConfig(sizes)
      expect(build).toThrow(expect.objectContaining({ code: 'request.invalid' }))
    },
  )
})
