import { byteElementsSize, writeByteElements } from './byte-elements.ts'
import { tensorToJson } from './json-data.ts'
import { bytesOf, elementCount, type OipTensor, type TensorHeader, tensorError } from './tensor.ts'

/**
 * A tensor of bytes to be written, whose elements lie in several places: the pieces follow each other in the message,
 * and are copied once, into its body.
 */
export interface TensorInPieces {
  /** By which the model knows it. */
  readonly name: string
  readonly datatype: 'UINT8'
  /** Sizes, the outermost first. */
  readonly shape: readonly number[]
  /** The bytes, row-major; all pieces together fill the shape. */
  readonly pieces: readonly Uint8Array[]
}

/** A tensor to be written. */
export type OutgoingTensor = OipTensor | TensorInPieces

/** The header of a tensor. @throws AppError `tensor.invalid` when the data does not fill the shape */
export function describe(tensor: OutgoingTensor): TensorHeader {
  const { name, datatype, shape } = tensor
  const count = elementCount({ name, datatype, shape })
  const found = 'pieces' in tensor ? binarySize(tensor) : tensor.data.length
  if (found !== count) {
    throw tensorError(name, `shape [${shape.join(', ')}] expects ${count} elements, found ${found}.`)
  }
  return { name, datatype, shape }
}

/** The elements as the JSON part has them: {@link tensorToJson}. */
export function jsonElements(tensor: OutgoingTensor): (number | string)[] {
  return 'pieces' in tensor ? tensor.pieces.flatMap((piece) => [...piece]) : tensorToJson(tensor)
}

/** Size of the elements behind the JSON part. */
export function binarySize(tensor: OutgoingTensor): number {
  if ('pieces' in tensor) return tensor.pieces.reduce((sum, piece) => sum + piece.byteLength, 0)
  return tensor.datatype === 'BYTES' ? byteElementsSize(tensor.data) : tensor.data.byteLength
}

/** Writes the elements. @param out - exactly {@link binarySize} bytes */
export function writeBinary(tensor: OutgoingTensor, out: Uint8Array): void {
  if (!('pieces' in tensor)) {
    if (tensor.datatype === 'BYTES') writeByteElements(tensor.data, out)
    else out.set(bytesOf(tensor.data))
    return
  }
  let at = 0
  for (const piece of tensor.pieces) {
    out.set(piece, at)
    at += piece.byteLength
  }
}
