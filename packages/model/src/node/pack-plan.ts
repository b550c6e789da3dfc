import { type PackForm, packedTensors, rowsOf, rowsOfPiece } from '../weights/packing.ts'
import type { TensorEntry } from '../weights/safetensors.ts'
import { layoutSafetensors } from '../weights/safetensors-encode.ts'
import type { ModelPart } from './load-options.ts'
import type { SourceWeight } from './model-source.ts'
import type { PackTask } from './pack-task.ts'

/** A weight, and what becomes of it. */
export interface WeightToPack {
  readonly source: SourceWeight
  readonly form: PackForm
}

/** A weight and where it is in the packed file. */
export interface PlannedWeight extends WeightToPack {
  /** As `packedTensors` orders them: its numbers; quants, scales and perhaps offsets; or columns and scales. */
  readonly tensors: readonly TensorEntry[]
}

/** A part of a checkpoint that is rewritten into one file. */
export interface PackPlan {
  readonly part: ModelPart
  /** By canonical name. */
  readonly weights: ReadonlyMap<string, PlannedWeight>
  /** What the packed file begins with, as safetensors. */
  readonly head: Uint8Array<ArrayBuffer>
  readonly fileBytes: number
}

/** Weights of one task: some 30 ms of work, which is what a signal to stop has to wait for. */
const TASK_WEIGHTS = 4 * 1024 * 1024

/** Lays out the packed file. @param weights - by canonical name */
export function planPacking(part: ModelPart, weights: ReadonlyMap<string, WeightToPack>): PackPlan {
  const tensorsOf = ([name, { source, form }]: readonly [string, WeightToPack]) => {
    return packedTensors(source, form).map((tensor) => [name + tensor.suffix, tensor] as const)
  }
  const { head, entries, fileBytes } = layoutSafetensors(new Map([...weights].flatMap(tensorsOf)))
  const entryOf = new Map(entries.map((entry) => [entry.name, entry]))
  const planned = Array.from(weights, ([name, weight]) => {
    const tensors = tensorsOf([name, weight]).flatMap(([packed]) => entryOf.get(packed) ?? [])
    return [name, { ...weight, tensors }] as const
  })
  return { part, weights: new Map(planned), head, fileBytes }
}

/** The work of a plan in pieces that can be done in any order. */
export function packTasks({ weights }: PackPlan): PackTask[] {
  return [...weights.values()].flatMap(({ source, form, tensors }) => {
    const { name, dtype, shape, path, offset, bytes } = source
    const { rows } = rowsOf(shape)
    const rowBytes = bytes / rows
    const step = rowsOfPiece(source, form, TASK_WEIGHTS)
    return Array.from({ length: Math.ceil(rows / step) }, (_, index) => {
      const row = index * step
      return {
        weight: { name, dtype, shape },
        form,
        rows: Math.min(step, rows - row),
        source: { path, offset: offset + row * rowBytes, rowBytes },
        targets: tensors.map((tensor) => {
          const size = tensor.bytes / rows
          return { offset: tensor.offset + row * size, rowBytes: size }
        }),
      }
    })
  })
}
