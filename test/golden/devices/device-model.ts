import { Gemma3VLModel } from '@loupe/model'
import type { OrtRuntime } from '@loupe/model/runtime'
import { expectedTensor, type GoldenCase, worstDifference, worstUnpadded } from '../vl/golden-case.ts'
import {
  type DTypePolicy,
  openModelSource,
  openPart,
  planPart,
  TEXT_PREFIX,
  type WeightsPart,
} from './model-internals.ts'

/** The two parts of a checkpoint. */
export interface Checkpoint extends Pick<Awaited<ReturnType<typeof openModelSource>>, 'config' | 'generation'> {
  readonly language: WeightsPart
  readonly vision: WeightsPart | undefined
}

/** @param options - as of `planPart` and `openPart`: the type that weights are wanted in, and where to keep them then */
export async function openCheckpoint(
  directory: string,
  options: Parameters<typeof planPart>[2] & Parameters<typeof openPart>[1] = {},
): Promise<Checkpoint> {
  const { config, generation, weights } = await openModelSource(directory)
  const isLanguage = ([name]: readonly [string, unknown]) => name.startsWith(TEXT_PREFIX)
  const { language = [], vision = [] } = Object.groupBy(weights, (entry) => (isLanguage(entry) ? 'language' : 'vision'))
  return {
    config,
    generation,
    language: await openPart(planPart('language', new Map(language), options), options),
    vision: config.vision && (await openPart(planPart('vision', new Map(vision), options), options)),
  }
}

/** A model that computes in a way of the test's choosing. Owns the runtime. */
export function modelWith(checkpoint: Checkpoint, runtime: OrtRuntime, dtypes: DTypePolicy): Gemma3VLModel {
  const { generation, ...parts } = checkpoint
  return new Gemma3VLModel({ ...parts, runtime, policy: { dtypes } }, generation)
}

/** What a model makes of a case. */
export interface Computed {
  readonly imageFeatures: readonly Float32Array[]
  readonly logits: Float32Array
  readonly hiddenStates: readonly Float32Array[]
}

export async function compute(model: Gemma3VLModel, golden: GoldenCase, partTokens?: number): Promise<Computed> {
  const imageFeatures: Float32Array[] = []
  for (const patches of golden.patches) imageFeatures.push(await model.getImageFeatures(patches))
  const { rows, inputIds, attentionMask } = golden
  const options = { hiddenStates: true, returnLogits: true, ...(partTokens === undefined ? {} : { partTokens }) }
  const { logits, hiddenStates } = await model.forward({ rows, inputIds, attentionMask, imageFeatures, ...options })
  return { imageFeatures, logits, hiddenStates }
}

/** The largest difference from the reference, over features, hidden states and logits. */
export function worstOf(golden: GoldenCase, { imageFeatures, logits, hiddenStates }: Computed): number {
  const features = imageFeatures.map((own, index) => {
    const all = expectedTensor(golden, 'image_features')
    return worstDifference(own, all.subarray(index * own.length, (index + 1) * own.length))
  })
  const states = hiddenStates.map((state, index) =>
    worstUnpadded(golden, state, expectedTensor(golden, `hidden_states.${index}`)),
  )
  return Math.max(...features, ...states, worstUnpadded(golden, logits, expectedTensor(golden, 'logits')))
}
