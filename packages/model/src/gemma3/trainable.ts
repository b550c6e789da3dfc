import { PROJECTOR_PREFIX, TEXT_PREFIX, VISION_PREFIX } from './names.ts'

/** The parts of the model that are frozen as a whole. The embedding table, and so the head, is of the language model. */
export const FREEZABLE_PARTS = ['languageModel', 'visionModel', 'visionProjection'] as const

/** One of {@link FREEZABLE_PARTS}. */
export type FreezablePart = (typeof FREEZABLE_PARTS)[number]

const PREFIXES: Readonly<Record<FreezablePart, string>> = {
  languageModel: TEXT_PREFIX,
  visionModel: VISION_PREFIX,
  visionProjection: PROJECTOR_PREFIX,
}

/**
 * Names of the parameters that are left to train, as Transformers 5.18 spells them: `model.language_model.norm.weight`.
 *
 * @param tensors - canonical names of the weights there are
 * @returns sorted
 */
export function trainableNames(tensors: readonly string[], frozen: ReadonlySet<FreezablePart>): string[] {
  const prefixes = [...frozen].map((part) => PREFIXES[part])
  return tensors
    .filter((name) => !prefixes.some((prefix) => name.startsWith(prefix)))
    .map((name) => `model.${name}`)
    .sort()
}
