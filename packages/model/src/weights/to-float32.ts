import { AppError } from '@loupe/shared/errors'
import { bfloat16ToNumber, float16ToNumber } from './dtype.ts'
import type { StoredTensor } from './safetensors.ts'

/**
 * The elements of a stored float tensor as float32, exactly. For small tensors: weights stay as they are stored.
 *
 * @returns a copy
 * @throws AppError `weights.invalid` if the tensor is not F32, F16 or BF16
 */
export function toFloat32({ dtype, data }: StoredTensor): Float32Array<ArrayBuffer> {
  // The stored bytes need not be aligned; a copy is.
  const { buffer } = data.slice()
  if (dtype === 'F32') return new Float32Array(buffer)
  if (dtype === 'F16') return Float32Array.from(new Uint16Array(buffer), float16ToNumber)
  if (dtype === 'BF16') return Float32Array.from(new Uint16Array(buffer), bfloat16ToNumber)
  throw new AppError('weights.invalid', `Expected a tensor of F32, F16 or BF16, found ${dtype}.`)
}
