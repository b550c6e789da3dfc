import type { FileTensor } from '../../graph/graph.ts'
import type { Gemma3Config } from '../config.ts'
import { expectedTensors, isMatrix, VISION_PREFIX } from '../names.ts'
import type { TensorSource } from '../parameters.ts'

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
  /** Matrices in blocks of 32, with offsets. */
  const inBlocks =
    (bits: 4 | 8): TensorSource =>
    (name) => {
      const { shape, ...floats } = source(name)
      const [outer = 0, inner = 0] = shape
      const blocks = Math.ceil(inner / 32)
      const perBlock: FileTensor = { ...floats, dtype: 'float32', shape: [outer, blocks] }
      const quants: FileTensor = { ...floats, dtype: 'uint8', shape: [outer, blocks, 4 * bits] }
      if (!isMatrix(name)) return { ...floats, shape }
      return { blocks: { shape: [outer, inner], bits, blockSize: 32, quants, scales: perBlock, offsets: perBlock } }
    }
  /** Matrices of the vision tower in columns. */
  const inColumns: TensorSource = (name) => {
    const { shape, ...floats } = source(name)
    const [outer = 0, inner = 0] = shape
    if (!isMatrix(name) || !name.startsWith(VISION_PREFIX)) return { ...floats, shape }
    const quants: FileTensor = { ...floats, dtype: 'int8', shape: [inner, outer] }
    return { columns: { shape: [outer, inner], quants, scales: { ...floats, dtype: 'float32', shape: [outer] } } }
  }
  return { source, inBlocks, inColumns, used, names: [...shapes.keys()] }
}
