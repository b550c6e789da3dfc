import { AppError } from '../errors/index.ts'
import { WIRE_LIMITS } from './limits.ts'

/** A tensor of one datatype. */
export interface OipTensorOf<Datatype extends string, Data> {
  /** By which the model knows it: `input_ids`. */
  readonly name: string
  /** The protocol's name of the type of its elements. */
  readonly datatype: Datatype
  /** Sizes, the outermost first. */
  readonly shape: readonly number[]
  /** The elements, flat and row-major; as many as the product of `shape`. */
  readonly data: Data
}

/**
 * A tensor of the Open Inference Protocol. An element of BYTES is a string of bytes of any length.
 *
 * Numbers travel little-endian, which is also how every machine we run on keeps them, so arrays are sent as they lie.
 */
export type OipTensor =
  | OipTensorOf<'UINT8', Uint8Array>
  | OipTensorOf<'INT32', Int32Array>
  | OipTensorOf<'FP32', Float32Array>
  | OipTensorOf<'BYTES', readonly Uint8Array[]>

/** The datatypes that Loupe's tensors have. One more is one more row here and in the union above. */
export type OipDatatype = OipTensor['datatype']

/** Bytes of one element; BYTES elements have a length of their own. */
export const ELEMENT_BYTES: Readonly<Record<Exclude<OipDatatype, 'BYTES'>, number>> = { UINT8: 1, INT32: 4, FP32: 4 }

/** A tensor without its data, as the metadata of a model and the JSON part of a message describe it. */
export interface TensorHeader {
  readonly name: string
  readonly datatype: OipDatatype
  readonly shape: readonly number[]
}

/** A fault of one tensor. The message names the tensor, so that the caller need not count. */
export function tensorError(name: string, detail: string): AppError {
  return new AppError('tensor.invalid', `Tensor "${name}": ${detail}`, { param: name })
}

/**
 * Number of elements of a shape whose sizes are already known to be whole and not negative.
 *
 * @throws AppError `tensor.invalid` when the tensor would be larger than the limits allow
 */
export function elementCount(header: TensorHeader): number {
  const count = header.shape.reduce((product, size) => product * size, 1)
  const isBytes = header.datatype === 'BYTES'
  const most = isBytes ? WIRE_LIMITS.byteElements : WIRE_LIMITS.tensorBytes / ELEMENT_BYTES[header.datatype]
  if (!(count <= most)) {
    throw tensorError(header.name, `expected at most ${most} elements, found shape [${header.shape.join(', ')}].`)
  }
  return count
}

/** The bytes of a typed array as they lie in memory, without a copy. */
export function bytesOf(data: Uint8Array | Int32Array | Float32Array): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
}

/**
 * A numeric tensor over bytes of a message. A view where the address allows it, else a copy: a 4-byte element may
 * start anywhere in a body, and a typed array may not.
 */
export function numericTensor(header: TensorHeader, bytes: Uint8Array): OipTensor {
  const { name, shape } = header
  switch (header.datatype) {
    case 'UINT8':
      return { name, datatype: 'UINT8', shape, data: bytes }
    case 'INT32': {
      const { buffer, byteOffset, byteLength } = aligned(bytes)
      return { name, datatype: 'INT32', shape, data: new Int32Array(buffer, byteOffset, byteLength / 4) }
    }
    case 'FP32': {
      const { buffer, byteOffset, byteLength } = aligned(bytes)
      return { name, datatype: 'FP32', shape, data: new Float32Array(buffer, byteOffset, byteLength / 4) }
    }
    case 'BYTES':
      throw tensorError(name, 'BYTES elements are not numbers.')
  }
}

function aligned(bytes: Uint8Array): Uint8Array {
  // Not `slice`: of a Node buffer that is a view, too.
  return bytes.byteOffset % 4 === 0 ? bytes : new Uint8Array(bytes)
}
