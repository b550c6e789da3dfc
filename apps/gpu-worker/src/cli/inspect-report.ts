import { dirname } from 'node:path'
import { elementsOf, type Gemma3Config, type GenerationConfig, type MemoryEstimate } from '@loupe/model'
import type { ModelPlan } from '@loupe/model/node'

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
  readonly memory: {
    /** Tokens of the conversation that the prediction is for. */
    readonly capacityTokens: number
    /** Of the files that the parts are rewritten into; 0 where the checkpoint is used as it is. */
    readonly packedBytes: ModelPlan['packedBytes']
    readonly cpu: MemoryEstimate
  }
}

/** Sums up a checkpoint. @param path - a directory, or a `.gguf` */
export function inspectReport(path: string, plan: ModelPlan, capacityTokens: number): InspectReport {
  const { config, generation, weights, packedBytes, memory } = plan
  const tensors = groupTensors(weights)
  return {
    directory: path.endsWith('.gguf') ? dirname(path) : path,
    config,
    generation,
    tensors,
    totals: {
      tensors: weights.size,
      files: new Set([...weights.values()].map((weight) => weight.path)).size,
      parameters: sum(tensors, 'parameters'),
      bytes: sum(tensors, 'bytes'),
    },
    memory: { capacityTokens, packedBytes, cpu: memory },
  }
}

function groupTensors(weights: ModelPlan['weights']): TensorGroup[] {
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
