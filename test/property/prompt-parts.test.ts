/** However long a prompt is, and wherever its pictures stand: no run of the model begins or ends inside of a picture. */
import { parseGemma3Config } from '@loupe/model'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type PaperRun, PaperRuntime, paperModel } from '../support/paper-model.ts'

const IMAGE = 90
const TOKENS_PER_IMAGE = 4
const WIDTH = 2
/** Most tokens of a run of a sequence, unless a picture is longer. */
const PART_TOKENS = 512

const config = parseGemma3Config({
  model_type: 'gemma3',
  mm_tokens_per_image: TOKENS_PER_IMAGE,
  image_token_index: IMAGE,
  text_config: {
    vocab_size: 100,
    hidden_size: WIDTH,
    intermediate_size: 4,
    num_hidden_layers: 1,
    num_attention_heads: 1,
    num_key_value_heads: 1,
    head_dim: 2,
  },
  vision_config: { hidden_size: 2, intermediate_size: 2, num_hidden_layers: 1, num_attention_heads: 1, image_size: 28 },
})

/** A prompt: lengths of text, and between them numbers of pictures that stand side by side. */
interface Prompt {
  readonly ids: Int32Array
  /** Features of each picture; no number comes twice. */
  readonly features: readonly Float32Array[]
}

function promptOf(stretches: readonly (readonly [text: number, pictures: number])[]): Prompt {
  const ids = stretches.flatMap(([text, pictures]) => [
    ...new Array<number>(text).fill(7),
    ...new Array<number>(pictures * TOKENS_PER_IMAGE).fill(IMAGE),
  ])
  const pictures = stretches.reduce((sum, [, count]) => sum + count, 0)
  const size = TOKENS_PER_IMAGE * WIDTH
  const features = Array.from({ length: pictures }, (_, n) =>
    Float32Array.from({ length: size }, (_, i) => n * size + i),
  )
  return { ids: Int32Array.from([...ids, 5]), features }
}

const prompts = (mostText: number) =>
  fc.array(fc.tuple(fc.nat(mostText), fc.nat(3)), { maxLength: 8, size: 'max' }).map(promptOf)

function numbers(run: PaperRun, name: string): number[] {
  return Array.from(run.get(name)?.data ?? [], Number)
}

/** Where each run of image tokens begins and ends. */
function imageRuns(ids: Int32Array): (readonly [from: number, end: number])[] {
  return Array.from(
    String.fromCharCode(...ids).matchAll(new RegExp(`${String.fromCharCode(IMAGE)}+`, 'g')),
    (match) => {
      return [match.index, match.index + match[0].length] as const
    },
  )
}

/** Checks what a prompt became, run by run, against the prompt. */
function expectWholePictures(runs: readonly PaperRun[], { ids, features }: Prompt, most: number): void {
  const slots = runs.map((run) => numbers(run, 'slots_global'))
  expect(slots.flat()).toEqual([...ids.keys()])
  const pictures = imageRuns(ids)
  for (const own of slots) {
    const [from, end] = [own[0] ?? 0, (own.at(-1) ?? 0) + 1]
    // Neither edge lies inside of a run of image tokens, and only such a run makes a part longer than asked.
    expect(pictures.some(([first, last]) => (first < from && from < last) || (first < end && end < last))).toBe(false)
    if (own.length > most) expect(pictures.some(([first, last]) => first === from && last === end)).toBe(true)
  }
  const rows = runs.flatMap((run, index) => numbers(run, 'given_rows').map((row) => row + (slots[index]?.[0] ?? 0)))
  expect(rows).toEqual([...ids.keys()].filter((token) => ids[token] === IMAGE))
  expect(runs.flatMap((run) => numbers(run, 'given_states'))).toEqual(features.flatMap((feature) => [...feature]))
}

describe('a prompt', () => {
  it('goes through a sequence in parts of at most 512 tokens, each with whole pictures', async () => {
    await fc.assert(
      fc.asyncProperty(prompts(700), async (prompt) => {
        const runtime = new PaperRuntime()
        using model = paperModel(config, runtime)
        using sequence = model.startSequence({ capacityTokens: prompt.ids.length })
        await sequence.prefill(prompt.ids, prompt.features)
        expectWholePictures(runtime.runs, prompt, PART_TOKENS)
        expect(sequence.lengthTokens).toBe(prompt.ids.length)
      }),
      { numRuns: 60 },
    )
  })

  it('goes through a forward pass in parts of any length, each with whole pictures', async () => {
    await fc.assert(
      fc.asyncProperty(prompts(20), fc.integer({ min: 1, max: 40 }), async (prompt, partTokens) => {
        const runtime = new PaperRuntime()
        using model = paperModel(config, runtime)
        await model.forward({ inputIds: prompt.ids, imageFeatures: prompt.features, partTokens })
        expectWholePictures(runtime.runs, prompt, partTokens)
      }),
      { numRuns: 200 },
    )
  })

  it('that is cut inside of a picture by the caller is refused, and nothing is run', async () => {
    await fc.assert(
      fc.asyncProperty(prompts(20), fc.nat(), async (prompt, where) => {
        const cut = where % prompt.ids.length
        const inside = imageRuns(prompt.ids).find(([from, end]) => from < cut && cut < end)
        fc.pre(inside !== undefined && (cut - inside[0]) % TOKENS_PER_IMAGE !== 0)
        const runtime = new PaperRuntime()
        using model = paperModel(config, runtime)
        using sequence = model.startSequence({ capacityTokens: prompt.ids.length })
        const part = prompt.ids.subarray(0, cut)
        await expect(sequence.prefill(part, prompt.features)).rejects.toMatchObject({ code: 'image.count_mismatch' })
        expect(runtime.runs).toEqual([])
      }),
      { numRuns: 50 },
    )
  })
})
