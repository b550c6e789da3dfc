import type { FileTensor, Graph } from '../graph/graph.ts'
import { addNumber, cast } from '../graph/ops/arithmetic.ts'
import type { Value } from '../graph/value.ts'
import type { LayerNormWeights } from '../layers/layer-norm.ts'
import type { LinearWeights } from '../layers/linear.ts'
import type { RmsNormWeights } from '../layers/rms-norm.ts'

/** A weight in its file. */
interface StoredWeight extends FileTensor {
  /** The file holds 1 + w, as GGUF does for RMS norms. */
  readonly isStoredPlusOne?: boolean
}

/** Finds a weight by its canonical name (see `names.ts`). @throws AppError `weights.invalid` if there is none */
export type TensorSource = (name: string) => StoredWeight

/** Puts weights of a checkpoint into a graph, as values of the type we compute in. */
export interface Parameters {
  /** A weight as it is stored. @throws AppError `graph.shape_mismatch` if the checkpoint holds another shape */
  stored<A extends string>(name: string, axes: A, shape: readonly number[]): Value<A>
  /** A weight in float32. The runtime converts a 16-bit one once, while it loads the model. */
  tensor<A extends string>(name: string, axes: A, shape: readonly number[]): Value<A>
  /** A linear map without a bias. `axes` are `[in, out]`, as `sizes`. */
  linear<I extends string, O extends string>(path: string, axes: [I, O], sizes: [number, number]): LinearWeights<I, O>
  /** A linear map with a bias. */
  affine<I extends string, O extends string>(path: string, axes: [I, O], sizes: [number, number]): LinearWeights<I, O>
  rmsNorm(path: string, size: number, epsilon: number): RmsNormWeights
  layerNorm(path: string, size: number, epsilon: number): LayerNormWeights
}

/** Reads weights from `source` into `g`. */
export function parameters(g: Graph, source: TensorSource): Parameters {
  const stored = <A extends string>(name: string, axes: A, shape: readonly number[]): Value<A> =>
    g.at(name, () => {
      const value = g.stored(name, axes, source(name))
      g.expectShape('a weight', value, shape)
      return value
    })
  const tensor = <A extends string>(name: string, axes: A, shape: readonly number[]): Value<A> => {
    const value = stored(name, axes, shape)
    return g.at(name, () => cast(g, value, 'float32'))
  }
  const norm = (name: string, size: number) => {
    const weight = tensor(name, 'd', [size])
    return source(name).isStoredPlusOne ? g.at(name, () => addNumber(g, weight, -1)) : weight
  }
  const linear = <I extends string, O extends string>(path: string, [i, o]: [I, O], [from, to]: [number, number]) => {
    return { path, weight: tensor<`${O} ${I}`>(`${path}.weight`, `${o} ${i}`, [to, from]) }
  }
  return {
    stored,
    tensor,
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
