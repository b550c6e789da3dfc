import type { Gemma3Config } from '../gemma3/config.ts'
import type { LanguageModel } from './language-model.ts'

/** What the caches of several sequences are made for. */
export interface SequenceModel {
  readonly config: Gemma3Config
  /** All stages, in the order in which a token passes them. */
  readonly stages: readonly LanguageModel[]
}
