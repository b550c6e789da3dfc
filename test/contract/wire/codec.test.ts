import { AppError } from '@loupe/shared/errors'
import {
  decodeInferRequest,
  encodeInferRequest,
  HEADER_LENGTH_HEADER,
  type InferRequest,
  type OipTensor,
} from '@loupe/shared/wire'
import { describe, expect, it } from 'vitest'

/** Bytes of a message: `"text"` is UTF-8, everything else hexadecimal; white space means nothing. */
function bytes(layout: string): Uint8Array {
  const parts = layout.match(/"[^"]*"|'[^']*'|[0-9a-f]{2}/g) ?? []
  const all = parts.map((part) => (/^["']/.test(part) ? Buffer.from(part.slice(1, -1)) : Buffer.from(part, 'hex')))
  return new Uint8Array(Buffer.concat(all))
}

const header = (tensors: string) => `'{"inputs":[${tensors}]}'`

/** The wire format: what a request is in memory, and the very bytes that it is on the wire. */
const BINARY: readonly { name: string; json: string; binary: string; value: OipTensor }[] = [
  {
    name: 'INT32 is little-endian, two’s complement',
    json: header('{"name":"input_ids","datatype":"INT32","shape":[3],"parameters":{"binary_data_size":12}}'),
    binary: '02000000 ffffffff 00000080',
    value: { name: 'input_ids', datatype: 'INT32', shape: [3], data: Int32Array.of(2, -1, -(2 ** 31)) },
  },
  {
    name: 'FP32 is little-endian IEEE 754',
    json: header('{"name":"logprobs","datatype":"FP32","shape":[1,2],"parameters":{"binary_data_size":8}}'),
    binary: '0000003f 000080ff',
    value: { name: 'logprobs', datatype: 'FP32', shape: [1, 2], data: Float32Array.of(0.5, Number.NEGATIVE_INFINITY) },
  },
  {
    name: 'UINT8 is the bytes themselves',
    json: header('{"name":"patches","datatype":"UINT8","shape":[2,1,2],"parameters":{"binary_data_size":4}}'),
    binary: '00 01 fe ff',
    value: { name: 'patches', datatype: 'UINT8', shape: [2, 1, 2], data: Uint8Array.of(0, 1, 254, 255) },
  },
  {
    name: 'BYTES elements stand behind their lengths',
    json: header('{"name":"image_digests","datatype":"BYTES","shape":[3],"parameters":{"binary_data_size":15}}'),
    binary: '02000000 abcd 00000000 01000000 "x"',
    value: {
      name: 'image_digests',
      datatype: 'BYTES',
      shape: [3],
      data: [Uint8Array.of(0xab, 0xcd), new Uint8Array(), Uint8Array.of(0x78)],
    },
  },
  {
    name: 'a tensor of no elements has no bytes',
    json: header('{"name":"output_ids","datatype":"INT32","shape":[0],"parameters":{"binary_data_size":0}}'),
    binary: '',
    value: { name: 'output_ids', datatype: 'INT32', shape: [0], data: new Int32Array() },
  },
  {
    name: 'a scalar has an empty shape',
    json: header('{"name":"one","datatype":"INT32","shape":[],"parameters":{"binary_data_size":4}}'),
    binary: '07000000',
    value: { name: 'one', datatype: 'INT32', shape: [], data: Int32Array.of(7) },
  },
]

const JSON_BODIES: readonly { name: string; body: string; value: InferRequest }[] = [
  {
    name: 'flat data',
    body: '{"id":"r1","inputs":[{"name":"input_ids","datatype":"INT32","shape":[2],"data":[2,105]}]}',
    value: { id: 'r1', inputs: [{ name: 'input_ids', datatype: 'INT32', shape: [2], data: Int32Array.of(2, 105) }] },
  },
  {
    name: 'nested data',
    body: '{"inputs":[{"name":"p","datatype":"UINT8","shape":[2,2],"data":[[1,2],[3,4]]}]}',
    value: { inputs: [{ name: 'p', datatype: 'UINT8', shape: [2, 2], data: Uint8Array.of(1, 2, 3, 4) }] },
  },
  {
    name: 'BYTES as text',
    body: '{"parameters":{"seed":7},"inputs":[{"name":"b","datatype":"BYTES","shape":[1],"data":["é"]}]}',
    value: {
      parameters: { seed: 7 },
      inputs: [{ name: 'b', datatype: 'BYTES', shape: [1], data: [Uint8Array.of(0xc3, 0xa9)] }],
    },
  },
]

const int32 = (shape: string, rest: string) =>
  header(`{"name":"input_ids","datatype":"INT32","shape":${shape},${rest}}`)
const sized = (size: number) => `"parameters":{"binary_data_size":${size}}`

/** Messages that are refused, with the code and the words that must be in the reason. */
const REFUSED: readonly { name: string; json: string; binary?: string; code: string; says: RegExp }[] = [
  {
    name: 'fewer binary bytes than announced',
    json: int32('[2]', sized(8)),
    binary: '02000000',
    code: 'tensor.invalid',
    says: /"input_ids": expected 8 binary bytes, found 4/,
  },
  {
    name: 'more binary bytes than announced',
    json: int32('[1]', sized(4)),
    binary: '02000000 00',
    code: 'tensor.invalid',
    says: /describe 4 binary bytes, found 5/,
  },
  {
    name: 'a size that is not that of the shape',
    json: int32('[2]', sized(4)),
    binary: '02000000',
    code: 'tensor.invalid',
    says: /INT32 \[2\] expects 8 bytes, found 4/,
  },
  {
    name: 'a shape beyond the limit, before anything is allocated',
    json: int32('[9007199254740991,9007199254740991]', sized(0)),
    code: 'tensor.invalid',
    says: /at most \d+ elements/,
  },
  { name: 'a negative size', json: int32('[-1]', sized(0)), code: 'tensor.invalid', says: /shape/ },
  {
    name: 'an unknown datatype',
    json: header(`{"name":"x","datatype":"FP16","shape":[1],${sized(2)}}`),
    binary: '0000',
    code: 'tensor.invalid',
    says: /datatype/,
  },
  {
    name: 'neither data nor a size',
    json: int32('[1]', '"parameters":{}'),
    code: 'tensor.invalid',
    says: /expected "data"/,
  },
  {
    name: 'a fraction where a whole number belongs',
    json: int32('[1]', '"data":[1.5]'),
    code: 'tensor.invalid',
    says: /element 0 is 1.5/,
  },
  {
    name: 'a BYTES length that leads past the tensor',
    json: header(`{"name":"d","datatype":"BYTES","shape":[1],${sized(5)}}`),
    binary: 'ffffffff 00',
    code: 'tensor.invalid',
    says: /"d": element 0 is longer/,
  },
  {
    name: 'BYTES that leave a rest',
    json: header(`{"name":"d","datatype":"BYTES","shape":[1],${sized(6)}}`),
    binary: '01000000 00 00',
    code: 'tensor.invalid',
    says: /expected 5 bytes for 1 elements, found 6/,
  },
  {
    name: 'more BYTES elements than bytes',
    json: header(`{"name":"d","datatype":"BYTES","shape":[4000],${sized(4)}}`),
    binary: '00000000',
    code: 'tensor.invalid',
    says: /expected 4000 elements/,
  },
  { name: 'text that is not JSON', json: `'{"inputs":'`, code: 'request.invalid', says: /not JSON/ },
  { name: 'JSON without inputs', json: `'{}'`, code: 'request.invalid', says: /inputs/ },
]

function message(json: string, binary = '') {
  const head = bytes(json)
  return { headerLength: String(head.byteLength), body: new Uint8Array(Buffer.concat([head, bytes(binary)])) }
}

function refusal(act: () => unknown): AppError {
  try {
    act()
  } catch (error) {
    if (AppError.isInstance(error)) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

describe('binary messages', () => {
  it.each(BINARY)('encodes: $name', ({ json, binary, value }) => {
    const encoded = encodeInferRequest({ inputs: [value] })
    expect(encoded.body).toEqual(message(json, binary).body)
    expect(encoded.headers[HEADER_LENGTH_HEADER]).toBe(String(bytes(json).byteLength))
  })

  it.each(BINARY)('decodes: $name', ({ json, binary, value }) => {
    expect(decodeInferRequest(message(json, binary)).inputs).toEqual([value])
  })

  it.each([0, 1, 2, 3])('reads elements at address %i mod 4', (offset) => {
    const { headerLength, body } = message(int32('[2]', sized(8)), '02000000 69000000')
    const moved = new Uint8Array(offset + body.byteLength)
    moved.set(body, offset)
    const [ids] = decodeInferRequest({ headerLength, body: moved.subarray(offset) }).inputs
    expect(ids?.data).toEqual(Int32Array.of(2, 105))
  })

  it.each([0, 1, 2, 3])('reads a Node buffer at address %i mod 4, whose slice is no copy', (offset) => {
    const { headerLength, body } = message(int32('[2]', sized(8)), '02000000 69000000')
    const moved = Buffer.concat([Buffer.alloc(offset), body]).subarray(offset)
    const [ids] = decodeInferRequest({ headerLength, body: moved }).inputs
    expect(ids?.data).toEqual(Int32Array.of(2, 105))
  })

  it.each(REFUSED)('refuses $name', ({ json, binary, code, says }) => {
    const error = refusal(() => decodeInferRequest(message(json, binary)))
    expect(error.code).toBe(code)
    expect(error.message).toMatch(says)
  })

  it.each(['-1', '1e1', 'abc', '', '999999999'])('refuses the header length %j', (headerLength) => {
    expect(refusal(() => decodeInferRequest({ headerLength, body: bytes(`'{"inputs":[]}'`) })).code).toBe(
      'request.invalid',
    )
  })

  it('refuses a JSON part beyond the limit before parsing it', () => {
    const body = new Uint8Array(4 * 1024 * 1024 + 1)
    expect(refusal(() => decodeInferRequest({ headerLength: null, body })).code).toBe('request.too_large')
  })
})

describe('JSON messages', () => {
  it.each(JSON_BODIES)('decodes: $name', ({ body, value }) => {
    expect(decodeInferRequest({ headerLength: null, body: bytes(`'${body}'`) })).toEqual(value)
  })

  it.each([JSON_BODIES[0], JSON_BODIES[2]])('encodes: $name', (row) => {
    const encoded = encodeInferRequest(row?.value ?? { inputs: [] }, 'json')
    expect(JSON.parse(new TextDecoder().decode(encoded.body))).toEqual(JSON.parse(row?.body ?? ''))
  })
})
