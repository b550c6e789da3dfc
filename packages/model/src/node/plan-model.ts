import type { Gemma3Config } from '../gemma3/config.ts'
import { multipliesColumns } from '../gemma3/dtype-policy.ts'
import type { GenerationConfig } from '../gemma3/generation-config.ts'
import { TEXT_PREFIX } from '../gemma3/names.ts'
import type { Device } from '../graph/runtime.ts'
import { estimateMemory, type MemoryEstimate } from '../pipeline/memory-estimate.ts'
import type { LoadOptions, ModelPart } from './load-options.ts'
import { type ModelSource, openModelSource, type SourceWeight } from './model-source.ts'
import { type PartPlan, plannedWeights, planPart } from './weights-part.ts'

/** What of {@link LoadOptions} decides how a model is held. */
export type PlanOptions = Pick<LoadOptions, 'dtype' | 'mmproj' | 'activations'>

/** What a model will be once it is loaded, from its configs and headers alone. */
export interface ModelPlan {
  /** As the checkpoint's files say. */
  readonly config: Gemma3Config
  /** How it was meant to be sampled. */
  readonly generation: GenerationConfig
  /** What the checkpoint holds, by canonical name. */
  readonly weights: ReadonlyMap<string, SourceWeight>
  /** Size of the file that each part is rewritten into; 0 where the checkpoint itself will do. */
  readonly packedBytes: Readonly<Record<ModelPart, number>>
  /** On a CPU. */
  readonly memory: MemoryEstimate
}

/**
 * Says what a model will be, and how much memory it will take on a CPU, without loading it.
 *
 * @param path - as of `loadGemma3VL`
 * @param options - as those of `loadGemma3VL`, and `capacityTokens`: the length of the one conversation that is open
 * @throws AppError `config.invalid`, `weights.invalid` naming every fault, `request.invalid`, as `loadGemma3VL` would
 */
export async function planModel(
  path: string,
  options: PlanOptions & { readonly capacityTokens: number },
): Promise<ModelPlan> {
  const source = await openModelSource(path, options.mmproj)
  const plans = planParts(source, options, 'cpu')
  const { capacityTokens, activations = 'int8' } = options
  const parts = { language: weightsOf(plans.language), vision: plans.vision && weightsOf(plans.vision) }
  return {
    ...source,
    packedBytes: {
      language: plans.language.packing?.fileBytes ?? 0,
      vision: plans.vision?.packing?.fileBytes ?? 0,
    },
    memory: estimateMemory(source.config, { ...parts, capacityTokens, activations }),
  }
}

function weightsOf(plan: PartPlan) {
  return { weights: plannedWeights(plan), keepStoredTypes: plan.keepStoredTypes }
}

/**
 * How each part of a model is read.
 *
 * @param visionDevice - what computes the vision tower, if it is wanted
 */
export function planParts(
  { config, weights }: ModelSource,
  { dtype = {}, activations }: PlanOptions,
  visionDevice: Device | undefined,
): { readonly language: PartPlan; readonly vision: PartPlan | undefined } {
  const isLanguage = ([name]: readonly [string, unknown]) => name.startsWith(TEXT_PREFIX)
  const { language = [], vision = [] } = Object.groupBy(weights, (entry) => (isLanguage(entry) ? 'language' : 'vision'))
  const hasVision = config.vision !== undefined && visionDevice !== undefined
  return {
    language: planPart('language', new Map(language), { dtype: dtype.language }),
    vision: hasVision
      ? planPart('vision', new Map(vision), {
          dtype: dtype.vision,
          hasColumns: multipliesColumns(visionDevice, activations),
        })
      : undefined,
  }
}
