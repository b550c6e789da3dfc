import type { FileTensor } from '../../graph/graph.ts'
import type { Gemma3Config } from '../config.ts'
import { expectedTensors } from '../names.ts'

/** Weights that exist in name and shape only; remembers which were asked for. */
export function paperWeights(config: Gemma3Config) {
  const shapes = expectedTensors(config)
  const used = new Set<string>()
  const source = (name: string): FileTensor => {
    used.add(name)
    const shape = shapes.get(name) ?? []
    const bytes = shape.reduce((product, size) => product * size, 2)
    return { dtype: 'bfloat16', shape, file: 'model.safetensors', offset: 0, bytes }
  }
  return { source, used, names: [...shapes.keys()] }
}
