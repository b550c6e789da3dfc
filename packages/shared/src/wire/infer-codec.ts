import { z } from 'zod'
import { boundedList } from '../bounded-list.ts'
import { AppError } from '../errors/index.ts'
import { readByteElements } from './byte-elements.ts'
import { tensorFromJson } from './json-data.ts'
import { WIRE_LIMITS } from './limits.ts'
import { binarySize, describe, jsonElements, type OutgoingTensor, writeBinary } from './outgoing-tensor.ts'
import { HEADER_LENGTH_HEADER } from './paths.ts'
import { ELEMENT_BYTES, elementCount, numericTensor, type OipTensor, tensorError } from './tensor.ts'

/** Free-form parameters of a message. */
export type OipParameters = Readonly<Record<string, unknown>>

/** `POST /v2/models/{m}/infer`. */
export interface InferRequest {
  /** Given back in the answer. */
  readonly id?: string | undefined
  /** What the model makes of them is its own business. */
  readonly parameters?: OipParameters | undefined
  /** In any order; they are told apart by name. */
  readonly inputs: readonly OipTensor[]
}

/** An {@link InferRequest} to be written. */
export interface OutgoingRequest extends Omit<InferRequest, 'inputs'> {
  /** Tensors, whole or in pieces. */
  readonly inputs: readonly OutgoingTensor[]
}

/** The answer to an {@link InferRequest}. */
export interface InferResponse {
  /** The model that has answered. */
  readonly model_name: string
  /** That of the request. */
  readonly id?: string | undefined
  /** What the model says besides its tensors. */
  readonly parameters?: OipParameters | undefined
  /** In any order; they are told apart by name. */
  readonly outputs: readonly OipTensor[]
}

/** A message as HTTP carries it. */
export interface EncodedMessage {
  /** `content-type`, and the length of the JSON part when binary tensors follow it. */
  readonly headers: Readonly<Record<string, string>>
  /** The bytes to send. */
  readonly body: Uint8Array<ArrayBuffer>
}

/** A message as it came in: the value of the `Inference-Header-Content-Length` header, if any, and the whole body. */
export interface ReceivedMessage {
  /** The value of the header: how many bytes of the body are JSON. Absent when all of it is. */
  readonly headerLength: string | null | undefined
  /** The bytes that came. */
  readonly body: Uint8Array
}

/** `binary`: tensors behind the JSON part (the default); `json`: elements inside it, for people and curl. */
export type TensorEncoding = 'binary' | 'json'

const size = z.int().min(0).max(Number.MAX_SAFE_INTEGER)
const tensorHeader = z.object({
  name: z.string().min(1).max(WIRE_LIMITS.nameCharacters),
  datatype: z.enum(['UINT8', 'INT32', 'FP32', 'BYTES']),
  shape: boundedList(size, [0, WIRE_LIMITS.rank]),
  parameters: z.object({ binary_data_size: size.optional() }).optional(),
  data: z.unknown().optional(),
})
const tensorHeaders = boundedList(tensorHeader, [0, WIRE_LIMITS.tensors])
const common = { id: z.string().max(256).optional(), parameters: z.record(z.string(), z.unknown()).optional() }
const requestHeader = z.object({ ...common, inputs: tensorHeaders })
const responseHeader = z.object({ ...common, model_name: z.string(), outputs: tensorHeaders })

/** Writes a request. @param encoding - how its tensors travel, `binary` unless told otherwise */
export function encodeInferRequest(request: OutgoingRequest, encoding: TensorEncoding = 'binary'): EncodedMessage {
  const { id, parameters, inputs } = request
  return encode(inputs, encoding, (tensors) => ({ id, parameters, inputs: tensors }))
}

/** Writes a response. @param encoding - how its tensors travel, `binary` unless told otherwise */
export function encodeInferResponse(response: InferResponse, encoding: TensorEncoding = 'binary'): EncodedMessage {
  const { model_name, id, parameters, outputs } = response
  return encode(outputs, encoding, (tensors) => ({ model_name, id, parameters, outputs: tensors }))
}

/**
 * Reads a request. Tensors are views of `body` where their address allows it.
 *
 * @throws AppError `request.invalid` for a JSON part that is not one, `tensor.invalid` naming the tensor at fault
 */
export function decodeInferRequest(message: ReceivedMessage): InferRequest {
  const { json, binary } = split(message)
  const { inputs, ...rest } = parse(requestHeader, json)
  return { ...rest, inputs: readTensors(inputs, binary) }
}

/** Reads a response. @throws AppError `worker.lost` when it is not one: what is wrong with it is no fault of the client */
export function decodeInferResponse(message: ReceivedMessage): InferResponse {
  try {
    const { json, binary } = split(message)
    const { outputs, ...rest } = parse(responseHeader, json)
    return { ...rest, outputs: readTensors(outputs, binary) }
  } catch (cause) {
    throw new AppError('worker.lost', 'The worker sent an unreadable answer.', { cause })
  }
}

/** How a client asked for the outputs of its request. @see the binary tensor data extension */
export function requestedEncoding(request: InferRequest): TensorEncoding {
  return request.parameters?.['binary_data_output'] === true ? 'binary' : 'json'
}

function encode(
  tensors: readonly OutgoingTensor[],
  encoding: TensorEncoding,
  toHeader: (tensors: object[]) => object,
): EncodedMessage {
  const encoder = new TextEncoder()
  if (encoding === 'json') {
    const described = tensors.map((t) => ({ ...describe(t), data: jsonElements(t) }))
    return {
      headers: { 'content-type': 'application/json' },
      body: encoder.encode(JSON.stringify(toHeader(described))),
    }
  }
  const sizes = tensors.map(binarySize)
  const described = tensors.map((t, i) => ({ ...describe(t), parameters: { binary_data_size: sizes[i] } }))
  const json = encoder.encode(JSON.stringify(toHeader(described)))
  const body = new Uint8Array(sizes.reduce((sum, bytes) => sum + bytes, json.byteLength))
  body.set(json)
  let at = json.byteLength
  tensors.forEach((tensor, index) => {
    const end = at + (sizes[index] ?? 0)
    writeBinary(tensor, body.subarray(at, end))
    at = end
  })
  return {
    headers: { 'content-type': 'application/octet-stream', [HEADER_LENGTH_HEADER]: String(json.byteLength) },
    body,
  }
}

/** The JSON part and what follows it. Without the header the whole body is JSON. */
function split({ headerLength, body }: ReceivedMessage): { json: Uint8Array; binary: Uint8Array } {
  const isAllJson = headerLength === null || headerLength === undefined
  const jsonBytes = isAllJson ? body.byteLength : /^\d{1,10}$/.test(headerLength) ? Number(headerLength) : Number.NaN
  if (!(jsonBytes <= body.byteLength)) {
    throw new AppError(
      'request.invalid',
      `${HEADER_LENGTH_HEADER}: expected a number of bytes up to ${body.byteLength}, found "${headerLength}".`,
    )
  }
  if (jsonBytes > WIRE_LIMITS.jsonBytes) {
    throw new AppError(
      'request.too_large',
      `The JSON part may have ${WIRE_LIMITS.jsonBytes} bytes, found ${jsonBytes}. Send tensors as binary data.`,
    )
  }
  return { json: body.subarray(0, jsonBytes), binary: body.subarray(jsonBytes) }
}

function parse<T>(schema: z.ZodType<T>, json: Uint8Array): T {
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(json))
  } catch {
    // No cause: its message quotes what was read, and token ids do not belong into a log.
    throw new AppError('request.invalid', 'The JSON part of the message is not JSON.')
  }
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const issue = result.error.issues[0]
  const path = issue?.path.join('.') ?? ''
  throw new AppError(
    /^(in|out)puts\.\d/.test(path) ? 'tensor.invalid' : 'request.invalid',
    `${path}: ${issue?.message}`,
    {
      param: path,
    },
  )
}

function readTensors(headers: readonly z.infer<typeof tensorHeader>[], binary: Uint8Array): OipTensor[] {
  let at = 0
  const tensors = headers.map((header) => {
    const bytes = header.parameters?.binary_data_size
    if (bytes === undefined) return tensorFromJson(header, header.data)
    if (bytes > binary.byteLength - at) {
      throw tensorError(header.name, `expected ${bytes} binary bytes, found ${binary.byteLength - at}.`)
    }
    const part = binary.subarray(at, at + bytes)
    at += bytes
    return readBinary(header, part)
  })
  if (at !== binary.byteLength) {
    throw new AppError('tensor.invalid', `The tensors describe ${at} binary bytes, found ${binary.byteLength}.`)
  }
  return tensors
}

function readBinary(header: z.infer<typeof tensorHeader>, bytes: Uint8Array): OipTensor {
  const { name, datatype, shape } = header
  const count = elementCount({ name, datatype, shape })
  if (datatype === 'BYTES') return { name, datatype, shape, data: readByteElements(name, bytes, count) }
  const expected = count * ELEMENT_BYTES[datatype]
  if (expected !== bytes.byteLength) {
    const found = `${datatype} [${shape.join(', ')}] expects ${expected} bytes, found ${bytes.byteLength}.`
    throw tensorError(name, found)
  }
  return numericTensor({ name, datatype, shape }, bytes)
}
