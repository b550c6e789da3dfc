import type { Gemma3Config } from '../gemma3/config.ts'
import type { DTypePolicy } from '../gemma3/dtype-policy.ts'
import type { TensorSource } from '../gemma3/parameters.ts'
import type { BlockActivations } from '../graph/block-matrix.ts'
import type { Runtime } from '../graph/runtime.ts'

/** The weights of one part of a model. */
export interface WeightsPart {
  /** Weights by canonical name. */
  readonly tensors: TensorSource
  /** The real directory of the part's files; neutral code only passes it on. */
  readonly weightsFolder: string
  /** Whether 16-bit matrices stay so in memory and are widened in every run; by default the runtime widens them once. */
  readonly keepStoredTypes?: boolean
}

/** How to compute, where there is a choice. */
export interface ComputePolicy {
  /** What products with blocks do to their other factor; `int8` by default. */
  readonly activations?: BlockActivations
  /** Types and operators; those of a CPU by default. */
  readonly dtypes?: DTypePolicy
}

/** What a model is made from: what it is, where its weights lie, and what computes. */
export interface ModelParts {
  /** What it is. */
  readonly config: Gemma3Config
  /** The language model. */
  readonly language: WeightsPart
  /** The vision tower and the projector; absent in a text model. */
  readonly vision: WeightsPart | undefined
  /** What computes. */
  readonly runtime: Runtime
  /** How to compute, where there is a choice. */
  readonly policy?: ComputePolicy
}
