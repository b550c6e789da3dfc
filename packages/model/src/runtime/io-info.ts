import { AppError } from '@loupe/shared/errors'
import type { IoInfo, RuntimeTensor } from '../graph/runtime.ts'
import { defaultAllocator } from './environment.ts'
import { call, get, type Pointer, release, stringAt } from './ffi.ts'
import { dtypeOf } from './value.ts'

type Side = 'Input' | 'Output'

/** The inputs or outputs of a session, in the order of the model. */
export function describeIo(session: Pointer, side: Side): IoInfo[] {
  const count = Number(get(`SessionGet${side}Count`, session))
  return Array.from({ length: count }, (_, index) => describeOne(session, side, index))
}

/** @throws AppError `graph.shape_mismatch` when the tensor's dtype, rank or a fixed size differs from the model's */
export function checkFits(info: IoInfo, tensor: RuntimeTensor): void {
  const sameShape =
    info.shape.length === 0 || // a scalar, or a model that does not say
    (info.shape.length === tensor.shape.length &&
      info.shape.every((size, axis) => typeof size === 'string' || size === tensor.shape[axis]))
  if (sameShape && info.dtype === tensor.dtype) return
  const expected = `${info.dtype}[${info.shape}]`
  throw new AppError('graph.shape_mismatch', `${info.name}: expected ${expected}, found ${describe(tensor)}.`)
}

function describe(tensor: RuntimeTensor): string {
  return `${tensor.dtype}[${tensor.shape}]`
}

function describeOne(session: Pointer, side: Side, index: number): IoInfo {
  const name = readName(session, side, index)
  const info = get(`SessionGet${side}TypeInfo`, session, index)
  try {
    const tensorInfo = get('CastTypeInfoToTensorInfo', info) // null unless it is a tensor
    const dtype = tensorInfo === 0n ? undefined : dtypeOf(Number(get('GetTensorElementType', tensorInfo)))
    if (dtype === undefined)
      throw new AppError('runtime.failed', `${name}: expected a tensor of a known dtype, found another type.`)
    return { name, dtype, shape: readShape(tensorInfo) }
  } finally {
    release('ReleaseTypeInfo', info)
  }
}

function readName(session: Pointer, side: Side, index: number): string {
  const text = get(`SessionGet${side}Name`, session, index, defaultAllocator())
  const name = stringAt(text)
  call('AllocatorFree', defaultAllocator(), text)
  return name
}

/** Sizes, or the names of sizes that are open. */
function readShape(tensorInfo: Pointer): (number | string)[] {
  const rank = Number(get('GetDimensionsCount', tensorInfo))
  const sizes = new BigInt64Array(rank)
  const names = new BigUint64Array(rank)
  call('GetDimensions', tensorInfo, sizes, rank)
  call('GetSymbolicDimensions', tensorInfo, names, rank)
  return Array.from(sizes, (size, axis) => (size >= 0n ? Number(size) : stringAt(names[axis] ?? 0n)))
}
