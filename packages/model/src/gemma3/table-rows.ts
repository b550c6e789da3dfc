import { AppError } from '@loupe/shared/errors'
import type { BlockMatrix } from '../graph/block-matrix.ts'
import type { FileTensor } from '../graph/graph.ts'
import { TOKEN_EMBEDDING } from './names.ts'
import type { StoredWeight, TensorSource } from './parameters.ts'
import type { VocabularyShard } from './stage.ts'

/** The same weights, but of the embedding table some rows only: bytes of the file that follow one another. */
export function withTableRows(source: TensorSource, rows: VocabularyShard): TensorSource {
  return (name) => (name === TOKEN_EMBEDDING ? weightRows(source(name), rows) : source(name))
}

function weightRows(weight: StoredWeight, rows: VocabularyShard): StoredWeight {
  if ('columns' in weight) throw new AppError('weights.invalid', `${TOKEN_EMBEDDING}: expected rows, found columns.`)
  return 'blocks' in weight ? { blocks: blockRows(weight.blocks, rows) } : { ...weight, ...tensorRows(weight, rows) }
}

function blockRows(blocks: BlockMatrix, rows: VocabularyShard): BlockMatrix {
  const { quants, scales, offsets } = blocks
  return {
    ...blocks,
    shape: [rows.endId - rows.firstId, blocks.shape[1]],
    quants: tensorRows(quants, rows),
    scales: tensorRows(scales, rows),
    ...(offsets === undefined ? {} : { offsets: tensorRows(offsets, rows) }),
  }
}

function tensorRows(tensor: FileTensor, { firstId, endId }: VocabularyShard): FileTensor {
  const [outer = 1, ...inner] = tensor.shape
  const rowBytes = tensor.bytes / outer
  const count = endId - firstId
  return { ...tensor, shape: [count, ...inner], offset: tensor.offset + firstId * rowBytes, bytes: count * rowBytes }
}
