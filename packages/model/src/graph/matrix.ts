import type { BlockActivations, BlockMatrix } from './block-matrix.ts'
import type { ColumnMatrix } from './column-matrix.ts'
import type { FileTensor } from './graph.ts'
import type { AnyValue, Axed, Value } from './value.ts'

/** A matrix in blocks of a few bits. */
export interface AnyBlocks {
  readonly name: string
  /** `[o, i]` */
  readonly shape: readonly [outer: number, inner: number]
  readonly blocks: BlockMatrix
  readonly activations: BlockActivations
}

/** A matrix in columns of 8 bits. What multiplies by it rounds the rows of its other factor to 8 bits. */
export interface AnyColumns {
  readonly name: string
  /** `[o, i]` */
  readonly shape: readonly [outer: number, inner: number]
  readonly columns: ColumnMatrix
}

/** A matrix of 16-bit numbers that stays so in memory: whoever multiplies by it widens it, a piece at a time. */
export interface AnyNarrow {
  readonly name: string
  /** `[o, i]` */
  readonly shape: readonly number[]
  readonly narrow: FileTensor
}

/** A weight in a graph, in whatever way it is stored. What multiplies by it, or picks rows of it, need not know. */
export type Matrix<Axes extends string> = Value<Axes> | ((AnyBlocks | AnyColumns | AnyNarrow) & Axed<Axes>)

/** A {@link Matrix}, whatever its axes. */
export type AnyMatrix = AnyValue | AnyBlocks | AnyColumns | AnyNarrow

/** Names the axes of a matrix. @see named */
export function namedMatrix<Axes extends string, M extends AnyMatrix>(matrix: M): M & Axed<Axes> {
  // The phantom exists in the type alone; nothing reads it.
  return matrix as M & Axed<Axes>
}
