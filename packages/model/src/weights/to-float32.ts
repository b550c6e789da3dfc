import { AppError } from '@loupe/shared/errors'
import { isFloatDType } from './dtype.ts'
import type { StoredTensor } from './safetensors.ts'
import { widen } from './widen.ts'

/**
 * The elements of a stored float tensor as float32, exactly. For small tensors: weights stay as they are stored.
 *
 * @returns a copy
 * @throws AppError `weights.invalid` if the tensor is not F32, F16 or BF16
 */
export function toFloat32({ dtype, data }: StoredTensor): Float32Array<ArrayBuffer> {
  if (isFloatDType(dtype)) return widen(dtype, data)
  throw new AppError('weights.invalid', `Expected a tensor of F32, F16 or BF16, found ${dtype}.`)
}
