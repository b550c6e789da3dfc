import type { Gemma3Config } from '../gemma3/config.ts'
import { type DTypePolicy, dtypePolicy, heldType } from '../gemma3/dtype-policy.ts'
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
  /** Types and operators; by default what the device, and how weights are held, ask for. */
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

/** How the graph of a part is made. */
export interface PartOptions extends ComputePolicy {
  /** Types and operators. */
  readonly dtypes: DTypePolicy
  /** See {@link WeightsPart.keepStoredTypes}; of use where everything is computed in float32. */
  readonly keepStoredTypes: boolean
}

/** @param matrix - name of a matrix of the part, which stands for all of them */
export function partOptions({ runtime, policy }: ModelParts, part: WeightsPart, matrix: string): PartOptions {
  const dtypes = policy?.dtypes ?? dtypePolicy(runtime.device, heldType(part.tensors(matrix)))
  return { ...policy, dtypes, keepStoredTypes: part.keepStoredTypes === true && runtime.device === 'cpu' }
}
