import { elementsOf, estimateMemory, type Gemma3Config, type GenerationConfig, type MemoryEstimate } from '@loupe/model'

/** Tensors that differ only in the number of their layer. */
interface TensorGroup {
  /** The canonical name, with `*` for the layer. */
  readonly name: string
  readonly count: number
  /** As a safetensors or a GGUF file calls it. */
  readonly dtype: string
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

/** Where a weight lies, in a file of any format. */
interface InspectedWeight {
  readonly dtype: string
  readonly shape: readonly number[]
  readonly file: string
  /** As stored. */
  readonly bytes: number
}

/** What a report is made of. */
export type InspectedModel = Pick<InspectReport, 'directory' | 'config' | 'generation'> & {
  readonly weights: ReadonlyMap<string, InspectedWeight>
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

function groupTensors(weights: InspectedModel['weights']): TensorGroup[] {
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
      parameters: parameters + elementsOf(shape),
      bytes: bytesSoFar + bytes,
    })
  }
  return [...groups.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
}

function sum(groups: readonly TensorGroup[], key: 'parameters' | 'bytes'): number {
  return groups.reduce((total, group) => total + group[key], 0)
}
