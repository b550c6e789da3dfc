import { basename, dirname } from 'node:path'
import { AppError } from '@loupe/shared/errors'
import type { FloatWeight, StoredWeight, TensorSource } from '../gemma3/parameters.ts'
import type { FileTensor } from '../graph/graph.ts'
import type { WeightsPart } from '../pipeline/model-parts.ts'
import { isFloatDType, type StoredDType } from '../weights/dtype.ts'
import type { SourceWeight } from './model-source.ts'

const DTYPES: Partial<Record<StoredDType, FileTensor['dtype']>> = {
  F32: 'float32',
  F16: 'float16',
  BF16: 'bfloat16',
  U8: 'uint8',
}

/** A tensor as a graph refers to it. @throws AppError `weights.invalid` if graphs know no such type */
export function fileTensor(tensor: Omit<FileTensor, 'dtype'> & { readonly dtype: StoredDType }): FileTensor {
  const dtype = DTYPES[tensor.dtype]
  if (dtype !== undefined) return { ...tensor, dtype }
  throw new AppError(
    'weights.invalid',
    `${tensor.file}: expected ${Object.keys(DTYPES).join(', ')}, found ${tensor.dtype}.`,
  )
}

/**
 * A part whose weights stay in the checkpoint.
 *
 * @param weights - by canonical name, all floats
 * @throws AppError `weights.invalid` if the real files lie in several folders
 */
export function storedPart(weights: ReadonlyMap<string, SourceWeight>): WeightsPart {
  const folders = new Set([...weights.values()].map(({ path }) => dirname(path)))
  const [weightsFolder = ''] = folders
  if (folders.size > 1) {
    throw new AppError('weights.invalid', `Expected all weights in one folder, found ${[...folders].join(', ')}.`)
  }
  return { weightsFolder, tensors: tensorSource(weights, storedWeight) }
}

/** Finds weights by canonical name. */
export function tensorSource<Weight>(
  weights: ReadonlyMap<string, Weight>,
  toStored: (weight: Weight, name: string) => StoredWeight,
): TensorSource {
  return (name) => {
    const weight = weights.get(name)
    if (weight === undefined) throw new AppError('weights.invalid', `Expected a tensor ${name}, found none.`)
    return toStored(weight, name)
  }
}

function storedWeight({ name, dtype, shape, path, offset, bytes, isStoredPlusOne }: SourceWeight): FloatWeight {
  if (!isFloatDType(dtype)) throw new AppError('weights.invalid', `${name}: expected floats, found ${dtype}.`)
  return { ...fileTensor({ dtype, shape, file: basename(path), offset, bytes }), isStoredPlusOne }
}
