import { dirname, parse, relative, sep } from 'node:path'
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
  I8: 'int8',
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
 * A part whose weights stay in the checkpoint. Its files may lie in several folders, as those that links of a hub cache
 * lead to: the runtime follows no path out of the folder that it is given, so it is given one above all of them.
 *
 * @param weights - by canonical name, all floats
 * @throws AppError `weights.invalid` if there is no folder above all files: on Windows, on two drives
 */
export function storedPart(weights: ReadonlyMap<string, SourceWeight>): WeightsPart {
  const folders = [...new Set([...weights.values()].map(({ path }) => dirname(path)))]
  const weightsFolder = folders.reduce(folderAbove, folders[0] ?? '')
  return { weightsFolder, tensors: tensorSource(weights, (weight) => storedWeight(weight, weightsFolder)) }
}

/** The deepest folder that holds both. */
function folderAbove(one: string, other: string): string {
  if (`${other}${sep}`.startsWith(one.endsWith(sep) ? one : `${one}${sep}`)) return one
  if (one !== parse(one).root) return folderAbove(dirname(one), other)
  const found = `found ${one} and ${other}; copy them into one folder`
  throw new AppError('weights.invalid', `Expected all weights on one drive, ${found}.`)
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

function storedWeight(weight: SourceWeight, weightsFolder: string): FloatWeight {
  const { name, dtype, shape, path, offset, bytes, isStoredPlusOne } = weight
  if (!isFloatDType(dtype)) throw new AppError('weights.invalid', `${name}: expected floats, found ${dtype}.`)
  const file = relative(weightsFolder, path).replaceAll(sep, '/')
  return { ...fileTensor({ dtype, shape, file, offset, bytes }), isStoredPlusOne }
}
