import type { Gemma3Config } from '../gemma3/config.ts'
import type { TensorSource } from '../gemma3/parameters.ts'
import type { Runtime } from '../graph/runtime.ts'

/** What every part of a model is made from: what it is, where its weights lie, and what computes. */
export interface ModelParts {
  readonly config: Gemma3Config
  /** Weights by canonical name. */
  readonly tensors: TensorSource
  /** The real directory of the weights' files; neutral code only passes it on. */
  readonly weightsFolder: string
  readonly runtime: Runtime
}
