import { basename, dirname, join } from 'node:path'
import { AppError } from '@loupe/shared/errors'
import type { WeightsPart } from '../pipeline/model-parts.ts'
import type { FloatDType } from '../weights/dtype.ts'
import type { CheckpointFiles } from './checkpoint-files.ts'

/** A weight of a checkpoint of any format. */
interface LocatableWeight {
  readonly dtype: FloatDType
  readonly shape: readonly number[]
  /** Its name inside of the checkpoint's directory. */
  readonly file: string
  readonly offset: number
  readonly bytes: number
  readonly isStoredPlusOne?: boolean
}

const DTYPES = { F32: 'float32', F16: 'float16', BF16: 'bfloat16' } as const

/**
 * Finds the real files of the weights: the runtime follows no link out of the folder it is given, and hub caches are made
 * of such links.
 *
 * @param filesOf - the directory that a weight lies in
 * @throws AppError `weights.invalid` if the real files lie in several folders
 */
export async function locateWeights<Weight extends LocatableWeight>(
  weights: ReadonlyMap<string, Weight>,
  filesOf: (weight: Weight) => CheckpointFiles,
): Promise<WeightsPart> {
  const keyOf = (weight: Weight) => join(filesOf(weight).directory, weight.file)
  const paths = new Map<string, string>()
  for (const weight of weights.values()) {
    const key = keyOf(weight)
    if (!paths.has(key)) paths.set(key, await filesOf(weight).realPath(weight.file))
  }
  const folders = new Set([...paths.values()].map((path) => dirname(path)))
  const [weightsFolder = ''] = folders
  if (folders.size > 1) {
    throw new AppError('weights.invalid', `Expected all weights in one folder, found ${[...folders].join(', ')}.`)
  }
  return {
    weightsFolder,
    tensors(name) {
      const weight = weights.get(name)
      if (weight === undefined) throw new AppError('weights.invalid', `Expected a tensor ${name}, found none.`)
      const { dtype, shape, offset, bytes, isStoredPlusOne = false } = weight
      const file = basename(paths.get(keyOf(weight)) ?? weight.file)
      return { dtype: DTYPES[dtype], shape, file, offset, bytes, isStoredPlusOne }
    },
  }
}
