import {
  type BoundWeights,
  ELEMENT_BYTES,
  estimateMemory,
  type Gemma3Config,
  type GenerationConfig,
  type MemoryEstimate,
  type StoredDType,
} from '@loupe/model'

/** Tensors that differ only in the number of their layer. */
interface TensorGroup {
  /** The canonical name, with `*` for the layer. */
  readonly name: string
  readonly count: number
  readonly dtype: StoredDType
  readonly shape: readonly number[]
  readonly parameters: number
  /** As stored, of all of them. */
  readonly bytes: number
}

/** What `loupe inspect` tells about a checkpoint. */
export interface InspectReport {
  readonly directory: string
  readonly config: Gemma3Config
  readonly generation: GenerationConfig
  readonly tensors: readonly TensorGroup[]
  readonly totals: {
    readonly tensors: number
    readonly files: number
    readonly parameters: number
    readonly bytes: number
  }
  readonly memory: { readonly cpu: MemoryEstimate }
}

/** What a report is made of. */
export type InspectedModel = Pick<InspectReport, 'directory' | 'config' | 'generation'> & {
  readonly weights: BoundWeights
}

/** Sums up a checkpoint. */
export function inspectReport({ weights, ...model }: InspectedModel): InspectReport {
  const tensors = groupTensors(weights)
  return {
    ...model,
    tensors,
    totals: {
      tensors: weights.size,
      files: new Set([...weights.values()].map(({ file }) => file)).size,
      parameters: sum(tensors, 'parameters'),
      bytes: sum(tensors, 'bytes'),
    },
    memory: { cpu: estimateMemory(model.config, weights) },
  }
}

function groupTensors(weights: BoundWeights): TensorGroup[] {
  const groups = new Map<string, TensorGroup>()
  for (const [canonical, { dtype, shape, bytes }] of weights) {
    const name = canonical.replace(/\.\d+\./, '.*.')
    const key = `${name} ${dtype} ${shape}`
    const { count = 0, parameters = 0, bytes: bytesSoFar = 0 } = groups.get(key) ?? {}
    groups.set(key, {
      name,
      count: count + 1,
      dtype,
      shape,
      parameters: parameters + bytes / ELEMENT_BYTES[dtype],
      bytes: bytesSoFar + bytes,
    })
  }
  return [...groups.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
}

function sum(groups: readonly TensorGroup[], key: 'parameters' | 'bytes'): number {
  return groups.reduce((total, group) => total + group[key], 0)
}
