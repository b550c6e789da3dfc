import type { Gemma3VLModel } from '@loupe/model'
import { type LoadOptions, loadGemma3VL } from '@loupe/model/node'
import type { LlamaAnswer } from './llama-greedy.ts'

/** Ways to compute with the same file, the most exact first. */
export const SETTINGS = {
  'float32 weights': { dtype: { language: 'f32' } },
  // Widens every 8-bit matrix whole for each token: it reads llama.cpp's text in one pass and writes none.
  'float32 activations': { activations: 'float32' },
  'int8 activations': { activations: 'int8' },
} as const satisfies Readonly<Record<string, Pick<LoadOptions, 'dtype' | 'activations'>>>

/** A key of {@link SETTINGS}. */
export type Setting = keyof typeof SETTINGS

/** How we went on from one prompt. */
export interface OurAnswer {
  /** The likeliest token at each step of llama.cpp's answer: up to where we part, our own answer. */
  readonly ids: readonly number[]
  /** At each step of llama.cpp's answer: our logits of its `top`, in its order. */
  readonly logits: readonly Float32Array[]
  /** Our own answer to its end; empty of the setting that is too slow for it. */
  readonly written: readonly number[]
}

/** What to go on from, and what llama.cpp made of it. */
export interface OurTask {
  readonly path: string
  readonly load: LoadOptions
  readonly prompts: readonly { readonly ids: Int32Array; readonly llama: LlamaAnswer }[]
  readonly tokens: number
}

/** Goes on from each prompt: along llama.cpp's answer, and freely. */
export async function goOn({ path, load, prompts, tokens }: OurTask): Promise<OurAnswer[]> {
  using model = await loadGemma3VL(path, load)
  const isSlow = load.activations === 'float32'
  const answers: OurAnswer[] = []
  for (const { ids: inputIds, llama } of prompts) {
    const ids: number[] = []
    const logits: Float32Array[] = []
    const steps = isSlow ? inOnePass(model, inputIds, llama.ids) : tokenByToken(model, inputIds, llama.ids)
    for await (const row of steps) {
      const top = llama.top[ids.length] ?? []
      logits.push(Float32Array.from(top, ([id]) => row[id] ?? Number.NaN))
      ids.push(likeliest(row))
    }
    const written: number[] = []
    const greedy = { inputIds, maxTokens: tokens, sampling: { temperature: 0 } }
    if (!isSlow) for await (const id of model.generate(greedy)) written.push(id)
    answers.push({ ids, logits, written })
  }
  return answers
}

/** Logits of each step of an answer that is given, over the cache. */
async function* tokenByToken(model: Gemma3VLModel, inputIds: Int32Array, answer: readonly number[]) {
  using sequence = model.startSequence({ capacityTokens: inputIds.length + answer.length })
  yield sequence.prefill(inputIds, [])
  for (const id of answer.slice(0, -1)) yield sequence.decode(id)
}

async function* inOnePass(model: Gemma3VLModel, inputIds: Int32Array, answer: readonly number[]) {
  const { vocabSize } = model.config.text
  const { logits } = await model.forward({ inputIds: Int32Array.of(...inputIds, ...answer) })
  for (const step of answer.keys()) {
    const row = inputIds.length - 1 + step
    yield logits.subarray(row * vocabSize, (row + 1) * vocabSize)
  }
}

function likeliest(logits: Float32Array): number {
  return logits.reduce((best, logit, id) => (logit > (logits[best] ?? 0) ? id : best), 0)
}
