import { elementCount, type OipTensor, type TensorHeader, tensorError } from './tensor.ts'

/**
 * A tensor whose elements stand in the JSON part: a flat array, or arrays nested as deep as the shape.
 *
 * @throws AppError `tensor.invalid` when the count or an element does not fit the header
 */
export function tensorFromJson(header: TensorHeader, data: unknown): OipTensor {
  const count = elementCount(header)
  const values = flatten(header, data, count)
  const { name, shape } = header
  switch (header.datatype) {
    case 'UINT8':
      return { name, datatype: 'UINT8', shape, data: Uint8Array.from(integers(name, values, 0, 255)) }
    case 'INT32':
      return { name, datatype: 'INT32', shape, data: Int32Array.from(integers(name, values, -(2 ** 31), 2 ** 31 - 1)) }
    case 'FP32':
      return { name, datatype: 'FP32', shape, data: Float32Array.from(numbers(name, values)) }
    case 'BYTES':
      return { name, datatype: 'BYTES', shape, data: texts(name, values) }
  }
}

/** The elements of a tensor as the flat JSON array of the protocol. BYTES elements must be UTF-8 text. */
export function tensorToJson(tensor: OipTensor): (number | string)[] {
  if (tensor.datatype !== 'BYTES') return Array.from(tensor.data)
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  return tensor.data.map((element) => decoder.decode(element))
}

function flatten(header: TensorHeader, data: unknown, count: number): unknown[] {
  if (!Array.isArray(data)) throw tensorError(header.name, 'expected "data" or "parameters.binary_data_size".')
  const flat = data.some(Array.isArray) ? data.flat(Math.max(header.shape.length - 1, 0)) : data
  if (flat.length !== count) {
    throw tensorError(
      header.name,
      `shape [${header.shape.join(', ')}] expects ${count} elements, found ${flat.length}.`,
    )
  }
  return flat
}

function numbers(name: string, values: readonly unknown[]): number[] {
  const wrong = values.findIndex((value) => typeof value !== 'number')
  if (wrong >= 0) throw tensorError(name, `element ${wrong} is not a number.`)
  return values as number[] // every element was just looked at
}

function integers(name: string, values: readonly unknown[], low: number, high: number): number[] {
  const checked = numbers(name, values)
  const wrong = checked.findIndex((value) => !Number.isInteger(value) || value < low || value > high)
  if (wrong >= 0) {
    throw tensorError(name, `element ${wrong} is ${checked[wrong]}, expected a whole number from ${low} to ${high}.`)
  }
  return checked
}

function texts(name: string, values: readonly unknown[]): Uint8Array[] {
  const encoder = new TextEncoder()
  return values.map((value, index) => {
    if (typeof value !== 'string') throw tensorError(name, `element ${index} is not a string.`)
    return encoder.encode(value)
  })
}
