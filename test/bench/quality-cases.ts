/** What the quality of a dtype is measured on: checkpoints, and what they are asked. */
import { promptOptions, readModelConfig } from '@loupe/model'
import { checkpointFiles, embeddedModelDirectory, loadImageCodecs, openTokenizer } from '@loupe/model/node'
import { buildPrompt } from '@loupe/shared/chat'
import { createImagePipeline, IMAGE_SIDE } from '@loupe/shared/image'
import { CASES, type CaseName, caseDirectory, readCase } from '../golden/vl/golden-case.ts'
import { type HeldOutQuestion, heldOutQuestions } from '../loupe-tiny/held-out.ts'
import { encodePng } from '../loupe-tiny/png.ts'
import type { QualityCase, QualitySample, QualitySequence } from './quality-run.ts'

const ORDINARY_IDS = 100_000
const END_OF_TURN = 106
const PATCH_BYTES = 14 * 14 * 3

/** Golden cases: every token that is not padding. Their weights are random, and so are their ids. */
export function goldenCases(names: readonly CaseName[] = CASES): readonly QualityCase[] {
  return names.map((name) => ({
    path: caseDirectory(name),
    async *samples() {
      const { patches, rows, inputIds, attentionMask } = await readCase(name)
      const scored = [...attentionMask.keys()].filter((token) => attentionMask[token] === 1)
      yield { pictures: patches, sequences: [{ rows, inputIds, attentionMask, scored }] }
    },
  }))
}

/**
 * The embedded model on its own task: held-out questions, each followed by its one true answer. A model that finds every
 * token of the answer likeliest is one whose greedy answer it is.
 *
 * @param pictures - how many, each with two questions or four
 */
export async function embeddedCase(pictures: number): Promise<QualityCase> {
  const path = embeddedModelDirectory()
  const [tokenizer, { config }, preprocess] = await Promise.all([
    openTokenizer(path),
    checkpointFiles(path).then(readModelConfig),
    picturePreprocessor(),
  ])
  const sequenceOf = ({ exchange, pixels, isTextFirst }: HeldOutQuestion): QualitySequence => {
    const text = { type: 'text', text: exchange.question } as const
    const image = { type: 'image' } as const
    const content = pixels === null ? [text] : isTextFirst ? [text, image] : [image, text]
    const { ids } = buildPrompt(tokenizer, [{ role: 'user', content }], promptOptions(config))
    const targets = [...tokenizer.encode(exchange.answer), END_OF_TURN]
    const inputIds = Int32Array.of(...ids, ...targets.slice(0, -1))
    return { inputIds, targets, scored: targets.map((_, token) => ids.length - 1 + token), isAnswer: true }
  }
  return {
    path,
    async *samples() {
      for (let seed = 0; seed < pictures; seed++) {
        const [seen = [], blind = []] = partition(heldOutQuestions(seed))
        const pixels = seen[0]?.pixels
        if (pixels) yield { pictures: [await preprocess(pixels)], sequences: seen.map(sequenceOf) }
        if (blind.length > 0) yield { pictures: [], sequences: blind.map(sequenceOf) }
      }
    },
  }
}

function partition(questions: readonly HeldOutQuestion[]): HeldOutQuestion[][] {
  return [questions.filter(({ pixels }) => pixels !== null), questions.filter(({ pixels }) => pixels === null)]
}

/** A language model whose weights mean nothing, on ids that mean nothing. @param tokens - of each of `sequences` */
export function randomIdsCase(path: string, sequences: number, tokens: number): QualityCase {
  const sequenceOf = (index: number): QualitySequence => {
    const inputIds = Int32Array.from({ length: tokens }, (_, token) =>
      token === 0 ? 2 : 1000 + (((index * tokens + token) * 7919) % ORDINARY_IDS),
    )
    return { inputIds, scored: [...inputIds.keys()] }
  }
  return {
    path,
    async *samples() {
      for (let index = 0; index < sequences; index++) yield { pictures: [], sequences: [sequenceOf(index)] }
    },
  }
}

/** A language model on passages of text, each with the next token as target. */
export async function textCase(path: string, passages: readonly string[]): Promise<QualityCase> {
  const tokenizer = await openTokenizer(path)
  const sequences = passages.map((passage): QualitySequence => {
    const inputIds = Int32Array.of(2, ...tokenizer.encode(passage))
    const targets = [...inputIds.subarray(1)]
    return { inputIds, targets, scored: [...targets.keys()] }
  })
  return {
    path,
    async *samples() {
      for (const sequence of sequences) yield { pictures: [], sequences: [sequence] }
    },
  }
}

/** A vision tower alone, on drawn pictures. */
export async function picturesCase(path: string, pictures: number): Promise<QualityCase> {
  const preprocess = await picturePreprocessor()
  return {
    path,
    async *samples() {
      for (let seed = 0; seed < pictures; seed++) {
        const pixels = heldOutQuestions(seed)[0]?.pixels
        if (pixels) yield { pictures: [await preprocess(pixels)], sequences: [] } satisfies QualitySample
      }
    },
  }
}

/**
 * The tower and the projector of the 4B with a sixteenth of its patches: rounding acts on each patch for itself, and a
 * picture takes seconds in place of minutes. What reads the features is left as small as it can be.
 */
export const TOWER_CONFIG = {
  model_type: 'gemma3',
  mm_tokens_per_image: 16,
  text_config: {
    model_type: 'gemma3_text',
    hidden_size: 2560,
    intermediate_size: 32,
    num_hidden_layers: 1,
    num_attention_heads: 1,
    num_key_value_heads: 1,
    head_dim: 32,
    vocab_size: 32,
  },
  image_token_index: 31,
  vision_config: {
    model_type: 'siglip_vision_model',
    hidden_size: 1152,
    image_size: 224,
    intermediate_size: 4304,
    num_attention_heads: 16,
    num_hidden_layers: 27,
    patch_size: 14,
  },
}

/** Squares of 224 pixels from the middle of drawn pictures, for a model of {@link TOWER_CONFIG}. */
export async function towerCase(path: string, pictures: number): Promise<QualityCase> {
  const whole = await picturesCase(path, pictures)
  return {
    path,
    async *samples() {
      for await (const sample of whole.samples()) yield { ...sample, pictures: sample.pictures.map(middleSquare) }
    },
  }
}

/** From `[64·64·588]` to `[16·16·588]`. */
function middleSquare(patches: Uint8Array): Uint8Array {
  const square = new Uint8Array(16 * 16 * PATCH_BYTES)
  for (let row = 0; row < 16; row++) {
    const start = ((24 + row) * 64 + 24) * PATCH_BYTES
    square.set(patches.subarray(start, start + 16 * PATCH_BYTES), row * 16 * PATCH_BYTES)
  }
  return square
}

/** From RGB bytes of a whole picture to patches. */
async function picturePreprocessor() {
  const pipeline = createImagePipeline(await loadImageCodecs())
  return async (pixels: Uint8Array) => {
    const { patches } = await pipeline.preprocess(encodePng(pixels, IMAGE_SIDE, IMAGE_SIDE))
    return patches
  }
}
