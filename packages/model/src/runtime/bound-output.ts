import { AppError } from '@loupe/shared/errors'
import type { HostTensor } from '../graph/runtime.ts'
import { defaultAllocator } from './environment.ts'
import { call, copyOf, get, type Pointer, release } from './ffi.ts'
import { bytesOf, dtypeOf, typedArray } from './value.ts'

const POINTER_BYTES = 8

/** A copy of one output of a completed run, by its position in the native binding. */
export function readBoundOutput(binding: Pointer, index: number): HostTensor {
  const values = boundOutputs(binding)
  try {
    return readValue(values[index] ?? 0n)
  } finally {
    for (const value of values) release('ReleaseValue', value)
  }
}

/** New references to all outputs, which the caller frees. */
function boundOutputs(binding: Pointer): BigUint64Array {
  const array = new BigUint64Array(1)
  const count = new BigUint64Array(1)
  call('GetBoundOutputValues', binding, defaultAllocator(), array, count)
  const [address = 0n] = array
  const values = new BigUint64Array(copyOf(address, Number(count[0]) * POINTER_BYTES))
  call('AllocatorFree', defaultAllocator(), address)
  return values
}

function readValue(value: Pointer): HostTensor {
  const info = get('GetTensorTypeAndShape', value)
  try {
    const dtype = dtypeOf(Number(get('GetTensorElementType', info)))
    if (dtype === undefined) throw new AppError('runtime.failed', 'Expected an output of a known dtype.')
    const shape = readSizes(info)
    const bytes = copyOf(get('GetTensorMutableData', value), bytesOf(dtype, shape))
    return { dtype, shape, data: typedArray(dtype, bytes) }
  } finally {
    release('ReleaseTensorTypeAndShapeInfo', info)
  }
}

function readSizes(info: Pointer): number[] {
  const sizes = new BigInt64Array(Number(get('GetDimensionsCount', info)))
  call('GetDimensions', info, sizes, sizes.length)
  return Array.from(sizes, Number)
}
