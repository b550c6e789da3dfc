import type { StoredWeight, TensorSource } from '../gemma3/parameters.ts'
import type { FileTensor } from '../graph/graph.ts'
import type { Runtime, RuntimeSession } from '../graph/runtime.ts'
import type { WeightsPart } from './model-parts.ts'

/**
 * Loads one part of a model.
 *
 * Only weights in blocks are packed into the kernels' own layout: without it their product is as slow as float32, or slower.
 * Float32 weights stay where they are: in 512 MB of them that took the load from 1.8 s to 0.04 s and the memory from
 * the process's own to the file's pages, and a run of 1 token to 0.8 of its time, of 64 to 1.2, of 512 to 1.05.
 *
 * @param build - makes the graph over the weights it is given
 */
export async function loadPart(
  runtime: Runtime,
  { tensors, weightsFolder }: WeightsPart,
  build: (source: TensorSource) => Uint8Array,
): Promise<RuntimeSession> {
  let isPacked = false
  const reads = new Set<FileTensor>()
  const graph = build((name) => {
    const weight = tensors(name)
    isPacked ||= isPackedByRuntime(weight)
    for (const tensor of filesOf(weight)) reads.add(tensor)
    return weight
  })
  // What is not packed is not read before it is used.
  return runtime.load(graph, { weightsFolder, prepack: isPacked, ...(isPacked ? { reads: [...reads] } : {}) })
}

function filesOf(weight: StoredWeight): FileTensor[] {
  if ('columns' in weight) return [weight.columns.quants, weight.columns.scales]
  if (!('blocks' in weight)) return [weight]
  const { quants, scales, offsets } = weight.blocks
  return offsets === undefined ? [quants, scales] : [quants, scales, offsets]
}

/** Whether the runtime copies a weight into a layout of its own; if it does one of a part, it does all matrices. */
export function isPackedByRuntime(weight: StoredWeight): boolean {
  return 'blocks' in weight || 'columns' in weight
}
