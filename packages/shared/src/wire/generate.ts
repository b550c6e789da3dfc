import { AppError } from '../errors/index.ts'
import {
  type GenerateParameters,
  type GenerateSummary,
  parseGenerateParameters,
  parseGenerateSummary,
} from './generate-parameters.ts'
import { fromHex, toHex } from './hex.ts'
import {
  decodeInferRequest,
  decodeInferResponse,
  type EncodedMessage,
  encodeInferRequest,
  encodeInferResponse,
  type ReceivedMessage,
  requestedEncoding,
  type TensorEncoding,
} from './infer-codec.ts'
import type { OutgoingTensor, TensorInPieces } from './outgoing-tensor.ts'
import { type OipTensor, tensorError } from './tensor.ts'

/** Patches of one picture, and bytes of one patch (14 by 14 pixels of 3 channels). */
const PATCHES = 4096
const PATCH_BYTES = 588

/** Bytes of the patches of one picture: `[4096, 588]` uint8. */
export const PICTURE_BYTES: number = PATCHES * PATCH_BYTES

const DIGEST_BYTES = 32

/** A question to the model, as token ids and pictures: the body of `infer` and `generate_stream`. */
export interface GenerateRequest {
  /** Given back in the answer. */
  readonly id?: string | undefined
  /** `[t]` token ids; each picture is a run of exactly `tokens_per_image` image tokens. */
  readonly inputIds: Int32Array
  /** SHA-256 of the patches of each picture, hexadecimal, in the order of the prompt. */
  readonly imageDigests: readonly string[]
  /** Patches of any of these pictures, each `[4096 * 588]`; the worker finds out which by their digest. */
  readonly patches: readonly Uint8Array[]
  /** How to answer. */
  readonly parameters: GenerateParameters
}

/** A whole answer: what `infer` gives. */
export interface GenerateResponse {
  /** The model that has answered. */
  readonly model_name: string
  /** That of the request. */
  readonly id?: string | undefined
  /** `[t]` token ids of the answer; of several, one behind the other, as long as `summary.choices` says. */
  readonly outputIds: Int32Array
  /** `[t]` log probability of each token, natural; present when it was asked for. */
  readonly logprobs?: Float32Array | undefined
  /** `[t, k]` the likeliest tokens at each place, likeliest first; present when they were asked for. */
  readonly topIds?: Int32Array | undefined
  /** `[t, k]` log probability of each of these. */
  readonly topLogprobs?: Float32Array | undefined
  /** What it cost and why it ended. */
  readonly summary: GenerateSummary
}

/** Writes a generate request. Patches are copied once, into the body. */
export function encodeGenerateRequest(request: GenerateRequest): EncodedMessage {
  const { id, inputIds, imageDigests, patches, parameters } = request
  const ids = { name: 'input_ids', datatype: 'INT32', shape: [inputIds.length], data: inputIds } as const
  const inputs: OutgoingTensor[] = [ids]
  if (imageDigests.length > 0) {
    const data = imageDigests.map((hex) => fromHex(hex) ?? fail(`"${hex}" is not hexadecimal.`))
    inputs.push({ name: 'image_digests', datatype: 'BYTES', shape: [data.length], data })
  }
  if (patches.length > 0) inputs.push(patchesTensor(patches))
  return encodeInferRequest({ id, parameters, inputs })
}

/**
 * Stacks k pictures for the wire.
 *
 * @param pictures - patches of each, `[4096 * 588]`
 * @returns `patches` UINT8 `[k, 4096, 588]`, not copied
 * @throws AppError `tensor.invalid` when one has another size
 */
export function patchesTensor(pictures: readonly Uint8Array[]): TensorInPieces {
  for (const { byteLength } of pictures) {
    if (byteLength === PICTURE_BYTES) continue
    throw tensorError('patches', `expected ${PICTURE_BYTES} bytes for a picture, found ${byteLength}.`)
  }
  return { name: 'patches', datatype: 'UINT8', shape: [pictures.length, PATCHES, PATCH_BYTES], pieces: pictures }
}

/**
 * Reads a generate request.
 *
 * @returns the request, and how the client wants the tensors of the answer
 * @throws AppError `request.invalid`, `tensor.invalid`; whether ids and pictures fit the model is not looked at
 */
export function decodeGenerateRequest(message: ReceivedMessage): GenerateRequest & { answerAs: TensorEncoding } {
  const request = decodeInferRequest(message)
  const named = byName(request.inputs, ['input_ids', 'image_digests', 'patches'])
  const ids = named.get('input_ids')
  if (ids?.datatype !== 'INT32' || ids.shape.length !== 1) throw wrong('input_ids', 'INT32 [t]', ids)
  return {
    id: request.id,
    inputIds: ids.data,
    imageDigests: readDigests(named.get('image_digests')),
    patches: readPatches(named.get('patches')),
    parameters: parseGenerateParameters(request.parameters),
    answerAs: requestedEncoding(request),
  }
}

/**
 * Reads a request of the vision endpoint: one tensor, `patches` UINT8 `[k, 4096, 588]`.
 *
 * @throws AppError `request.invalid`, `tensor.invalid`
 */
export function decodeVisionRequest(message: ReceivedMessage): {
  id?: string | undefined
  patches: readonly Uint8Array[]
  parameters: GenerateParameters
  answerAs: TensorEncoding
} {
  const request = decodeInferRequest(message)
  const patches = readPatches(byName(request.inputs, ['patches']).get('patches'))
  if (patches.length === 0) throw wrong('patches', 'UINT8 [k, 4096, 588], k at least 1', undefined)
  const parameters = parseGenerateParameters(request.parameters)
  return { id: request.id, patches, parameters, answerAs: requestedEncoding(request) }
}

/** Writes a whole answer. */
export function encodeGenerateResponse(response: GenerateResponse, encoding: TensorEncoding): EncodedMessage {
  const { model_name, id, outputIds, logprobs, topIds, topLogprobs, summary } = response
  const shape = [outputIds.length]
  const outputs: OipTensor[] = [{ name: 'output_ids', datatype: 'INT32', shape, data: outputIds }]
  if (logprobs !== undefined) outputs.push({ name: 'logprobs', datatype: 'FP32', shape, data: logprobs })
  if (topIds !== undefined && topLogprobs !== undefined) {
    // An answer of no tokens has no width.
    const wide = [outputIds.length, outputIds.length === 0 ? 0 : topIds.length / outputIds.length]
    outputs.push({ name: 'top_ids', datatype: 'INT32', shape: wide, data: topIds })
    outputs.push({ name: 'top_logprobs', datatype: 'FP32', shape: wide, data: topLogprobs })
  }
  return encodeInferResponse({ model_name, id, parameters: summary, outputs }, encoding)
}

/** Reads a whole answer. @throws AppError `worker.lost` when it is not one */
export function decodeGenerateResponse(message: ReceivedMessage): GenerateResponse {
  const response = decodeInferResponse(message)
  const named = (name: string) => response.outputs.find((output) => output.name === name)
  const integers = (name: string) => dataOf(named(name), Int32Array)
  const floats = (name: string) => dataOf(named(name), Float32Array)
  const outputIds = integers('output_ids')
  if (outputIds === undefined) throw new AppError('worker.lost', 'The worker answered without output_ids.')
  return {
    model_name: response.model_name,
    id: response.id,
    outputIds,
    logprobs: floats('logprobs'),
    topIds: integers('top_ids'),
    topLogprobs: floats('top_logprobs'),
    summary: parseGenerateSummary(response.parameters),
  }
}

function dataOf<T>(tensor: OipTensor | undefined, kind: new (length: number) => T): T | undefined {
  return tensor?.data instanceof kind ? tensor.data : undefined
}

function byName(inputs: readonly OipTensor[], allowed: readonly string[]): Map<string, OipTensor> {
  const named = new Map<string, OipTensor>()
  for (const input of inputs) {
    if (!allowed.includes(input.name)) throw tensorError(input.name, `expected one of ${allowed.join(', ')}.`)
    if (named.has(input.name)) throw tensorError(input.name, 'is given twice.')
    named.set(input.name, input)
  }
  return named
}

/** Raw 32 bytes, or 64 hexadecimal digits so that a request can be written by hand. */
function readDigests(tensor: OipTensor | undefined): string[] {
  if (tensor === undefined) return []
  if (tensor.datatype !== 'BYTES' || tensor.shape.length !== 1) throw wrong('image_digests', 'BYTES [n]', tensor)
  return tensor.data.map((element) => {
    if (element.byteLength === DIGEST_BYTES) return toHex(element)
    const text = element.byteLength === 2 * DIGEST_BYTES ? new TextDecoder().decode(element).toLowerCase() : ''
    if (fromHex(text)?.byteLength === DIGEST_BYTES) return text
    return fail(`expected ${DIGEST_BYTES} bytes for a digest, found ${element.byteLength}.`)
  })
}

function readPatches(tensor: OipTensor | undefined): Uint8Array[] {
  if (tensor === undefined) return []
  const { shape } = tensor
  if (tensor.datatype !== 'UINT8' || shape.length !== 3 || shape[1] !== PATCHES || shape[2] !== PATCH_BYTES) {
    throw wrong('patches', `UINT8 [k, ${PATCHES}, ${PATCH_BYTES}]`, tensor)
  }
  const { data } = tensor
  return Array.from({ length: shape[0] ?? 0 }, (_, k) => data.subarray(k * PICTURE_BYTES, (k + 1) * PICTURE_BYTES))
}

function wrong(name: string, expected: string, found: OipTensor | undefined): AppError {
  const what = found === undefined ? 'no such tensor' : `${found.datatype} [${found.shape.join(', ')}]`
  return tensorError(name, `expected ${expected}, found ${what}.`)
}

function fail(detail: string): never {
  throw tensorError('image_digests', detail)
}
