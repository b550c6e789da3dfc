import type { BlockActivations, BlockMatrix } from '../graph/block-matrix.ts'
import type { ColumnMatrix } from '../graph/column-matrix.ts'
import type { FileTensor, Graph } from '../graph/graph.ts'
import { type Matrix, namedMatrix } from '../graph/matrix.ts'
import { addNumber, cast } from '../graph/ops/arithmetic.ts'
import { expectBlocks } from '../graph/ops/blocks.ts'
import { expectColumns } from '../graph/ops/columns.ts'
import type { Value } from '../graph/value.ts'
import type { LayerNormWeights } from '../layers/layer-norm.ts'
import type { LinearWeights } from '../layers/linear.ts'
import type { RmsNormWeights } from '../layers/rms-norm.ts'

/** A weight in its file: numbers, blocks of a few bits, or columns of 8. */
export type StoredWeight = FloatWeight | BlockWeight | ColumnWeight

/** A weight stored as numbers. */
export interface FloatWeight extends FileTensor {
  /** The file holds 1 + w, as GGUF does for RMS norms. */
  readonly isStoredPlusOne?: boolean
}

/** A weight stored in blocks: a linear map or the embedding table, nothing else. */
export interface BlockWeight {
  /** Its files, and how they are read. */
  readonly blocks: BlockMatrix
}

/** A weight stored in columns: a linear map that a CPU applies to many rows at a time. */
export interface ColumnWeight {
  /** Its files. */
  readonly columns: ColumnMatrix
}

/** Finds a weight by its canonical name (see `names.ts`). @throws AppError `weights.invalid` if there is none */
export type TensorSource = (name: string) => StoredWeight

/** Options of {@link parameters}. */
export interface ParameterOptions {
  /** What products with blocks do to their other factor; `int8` by default. */
  readonly activations?: BlockActivations
  /**
   * Whether 16-bit matrices stay so in memory and are widened in every run, which is slower; by default the runtime
   * widens them once, while it loads the model.
   */
  readonly keepStoredTypes?: boolean
}

/** Puts weights of a checkpoint into a graph. */
export interface Parameters {
  /** A weight in float32. The runtime converts a 16-bit one once, while it loads the model. */
  tensor<A extends string>(name: string, axes: A, shape: readonly number[]): Value<A>
  /** A weight as it is stored, perhaps in blocks or columns. @throws AppError `graph.shape_mismatch` if it has another shape */
  matrix<A extends string>(name: string, axes: A, shape: readonly [number, number]): Matrix<A>
  /** A linear map without a bias. `axes` are `[in, out]`, as `sizes`. */
  linear<I extends string, O extends string>(path: string, axes: [I, O], sizes: [number, number]): LinearWeights<I, O>
  /** A linear map with a bias. */
  affine<I extends string, O extends string>(path: string, axes: [I, O], sizes: [number, number]): LinearWeights<I, O>
  rmsNorm(path: string, size: number, epsilon: number): RmsNormWeights
  layerNorm(path: string, size: number, epsilon: number): LayerNormWeights
}

/** Reads weights from `source` into `g`. */
export function parameters(g: Graph, source: TensorSource, options: ParameterOptions = {}): Parameters {
  const matrix = <A extends string>(name: string, axes: A, shape: readonly number[]): Matrix<A> =>
    g.at(name, () => {
      const value = placedMatrix(g, name, { axes, weight: source(name) }, options)
      g.expectShape('a weight', value, shape)
      return value
    })
  const floats = (name: string): FloatWeight => {
    const weight = source(name)
    if ('blocks' in weight) return g.at(name, () => g.fail('a weight stored as numbers', 'blocks'))
    if ('columns' in weight) return g.at(name, () => g.fail('a weight stored as numbers', 'columns'))
    return weight
  }
  const tensor = <A extends string>(name: string, axes: A, shape: readonly number[]): Value<A> => {
    const weight = floats(name)
    return g.at(name, () => {
      const value = g.stored(name, axes, weight)
      g.expectShape('a weight', value, shape)
      return cast(g, value, 'float32')
    })
  }
  const norm = (name: string, size: number) => {
    const weight = tensor(name, 'd', [size])
    return floats(name).isStoredPlusOne ? g.at(name, () => addNumber(g, weight, -1)) : weight
  }
  const linear = <I extends string, O extends string>(path: string, [i, o]: [I, O], [from, to]: [number, number]) => {
    return { path, weight: matrix<`${O} ${I}`>(`${path}.weight`, `${o} ${i}`, [to, from]) }
  }
  return {
    tensor,
    matrix,
    linear,
    affine: (path, axes, sizes) => ({
      ...linear(path, axes, sizes),
      bias: tensor(`${path}.bias`, axes[1], [sizes[1]]),
    }),
    rmsNorm: (path, size, epsilon) => ({ path, weight: norm(`${path}.weight`, size), epsilon }),
    layerNorm: (path, size, epsilon) => ({
      path,
      weight: tensor(`${path}.weight`, 'd', [size]),
      bias: tensor(`${path}.bias`, 'd', [size]),
      epsilon,
    }),
  }
}

function placedMatrix<A extends string>(
  g: Graph,
  name: string,
  { axes, weight }: { readonly axes: A; readonly weight: StoredWeight },
  { activations = 'int8', keepStoredTypes = false }: ParameterOptions,
): Matrix<A> {
  if ('blocks' in weight) {
    const { blocks } = weight
    expectBlocks(g, blocks)
    return namedMatrix({ name, shape: blocks.shape, blocks, activations })
  }
  if ('columns' in weight) {
    const { columns } = weight
    expectColumns(g, columns)
    return namedMatrix({ name, shape: columns.shape, columns })
  }
  if (!keepStoredTypes || weight.dtype === 'float32') return g.stored(name, axes, weight)
  return namedMatrix({ name, shape: weight.shape, narrow: weight })
}
