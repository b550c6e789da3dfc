import { AppError, oipError } from '@loupe/shared/errors'
import {
  decodeGenerateRequest,
  decodeVisionRequest,
  encodeErrorEvent,
  encodeGenerateEvent,
  encodeInferResponse,
  type GenerateEvent,
  type GenerateRequest,
  HEADER_LENGTH_HEADER,
  type ModelMetadata,
  toHex,
} from '@loupe/shared/wire'
import type { Fetch } from '../fetch.ts'
import { TINY_ARTIFACT, TINY_IDS, tinyTokenizer } from './tiny-tokenizer.ts'

/** What the fake worker answers to a generate request: events, or a fault in their middle. */
export type Script = (request: GenerateRequest) => Iterable<GenerateEvent | AppError>

/** A worker in the memory of a test. It speaks the real protocol and computes nothing. */
export interface FakeWorker {
  readonly fetch: Fetch
  /** Every request, in order: method, path, body bytes. */
  readonly calls: { readonly method: string; readonly path: string; readonly bytes: number }[]
  /** Every generate request that was admitted. */
  readonly admitted: GenerateRequest[]
  /** Digests of pictures that it holds. */
  readonly held: Set<string>
  /** Streams that a client left before their end. */
  left: number
  /** Goes on as another worker would that serves the same name: with this tokenizer, and what is otherwise about it. */
  becomeAnother(artifact: Uint8Array<ArrayBuffer>, facts?: Partial<ModelFacts>): Promise<void>
  /** Changed by tests: what it answers next, and whether it is there. */
  script: Script
  isDown: boolean
  /** Why it refuses to generate, if it does. */
  refusal: AppError | undefined
  /** Wait before each event. */
  beforeEvent: () => Promise<void>
}

export const TINY_MODEL = 'org/tiny'

/** What a worker says about a model. */
export type ModelFacts = ModelMetadata['parameters']

/** Says the text, one token at a time, then ends. */
export function says(text: string, finish_reason: 'stop' | 'length' = 'stop'): Script {
  return saysIds(tinyTokenizer.encode(text), finish_reason)
}

/** Says these tokens, then ends. */
export function saysIds(ids: Iterable<number>, finish_reason: 'stop' | 'length' = 'stop'): Script {
  return ({ inputIds, imageDigests }) => {
    const tokens = Array.from(ids, (id) => ({ type: 'tokens', ids: [id] }) as const)
    const counts = { prompt_tokens: inputIds.length, completion_tokens: tokens.length, cached_tokens: 3 }
    const images = { image_tokens: imageDigests.length * 4, images_cached: 0 }
    return [...tokens, { type: 'done', summary: { finish_reason, ...counts, ...images } }]
  }
}

const METADATA: Omit<ModelMetadata, 'parameters'> = {
  name: TINY_MODEL,
  versions: ['1'],
  platform: 'fake',
  inputs: [],
  outputs: [],
}

/**
 * Makes a fake worker that serves {@link TINY_MODEL}: pictures of 4 tokens, a context of 512.
 *
 * @param facts - what is otherwise about its model
 */
export async function createFakeWorker(facts: Partial<ModelFacts> = {}): Promise<FakeWorker> {
  let served = await servedModel(TINY_ARTIFACT, facts)
  const worker: FakeWorker = {
    calls: [],
    admitted: [],
    held: new Set(),
    left: 0,
    becomeAnother: async (artifact, otherFacts = {}) => {
      served = await servedModel(artifact, otherFacts)
      worker.held.clear()
    },
    script: says('hello'),
    isDown: false,
    refusal: undefined,
    beforeEvent: () => Promise.resolve(),
    fetch: async (url, init = {}) => {
      if (worker.isDown) throw new TypeError('connection refused')
      init.signal?.throwIfAborted()
      const body = init.body instanceof Uint8Array ? init.body : new Uint8Array()
      const path = new URL(url).pathname
      worker.calls.push({ method: init.method ?? 'GET', path, bytes: body.byteLength })
      try {
        return await answer(worker, served, { path, body, init })
      } catch (error) {
        const known = AppError.from(error)
        return Response.json(oipError(known), { status: known.entry.status })
      }
    },
  }
  return worker
}

interface Served {
  readonly metadata: ModelMetadata
  readonly artifact: Uint8Array<ArrayBuffer>
}

async function servedModel(artifact: Uint8Array<ArrayBuffer>, facts: Partial<ModelFacts>): Promise<Served> {
  const digest = toHex(new Uint8Array(await crypto.subtle.digest('SHA-256', artifact)))
  return { artifact, metadata: { ...METADATA, parameters: { ...parametersWith(digest), ...facts } } }
}

interface Received {
  readonly path: string
  readonly body: Uint8Array
  readonly init: RequestInit
}

async function answer(worker: FakeWorker, served: Served, received: Received): Promise<Response> {
  const model = `/v2/models/${encodeURIComponent(TINY_MODEL)}`
  switch (received.path) {
    case '/v2/health/ready':
      return new Response(null)
    case '/v2/models':
      return Response.json({ models: [{ name: TINY_MODEL, ready: true }] })
    case model:
      return Response.json(served.metadata)
    case `${model}/tokenizer`:
      return new Response(served.artifact)
    case `/v2/models/${encodeURIComponent(`${TINY_MODEL}.vision`)}/infer`:
      return features(received)
    case `${model}/generate_stream`:
      return generate(worker, served.metadata, received)
    default:
      throw new AppError('model.unknown')
  }
}

/** Two features of width 2, made of the first byte. */
function features({ body, init }: Received): Response {
  const headerLength = new Headers(init.headers).get(HEADER_LENGTH_HEADER)
  const [first = 0] = decodeVisionRequest({ headerLength, body }).patches[0] ?? []
  const data = Float32Array.of(first, 0, 0, first + 2)
  const outputs = [{ name: 'image_features', datatype: 'FP32', shape: [1, 2, 2], data }] as const
  const message = encodeInferResponse({ model_name: TINY_MODEL, outputs })
  return new Response(message.body, { headers: message.headers })
}

async function generate(
  worker: FakeWorker,
  { parameters }: ModelMetadata,
  { body, init }: Received,
): Promise<Response> {
  const request = decodeGenerateRequest({ headerLength: new Headers(init.headers).get(HEADER_LENGTH_HEADER), body })
  if ((request.parameters.tokenizer_digest ?? parameters.tokenizer_digest) !== parameters.tokenizer_digest) {
    throw new AppError('tokenizer.mismatch')
  }
  for (const patches of request.patches) {
    worker.held.add(toHex(new Uint8Array(await crypto.subtle.digest('SHA-256', new Uint8Array(patches)))))
  }
  const missing = request.imageDigests.filter((digest) => !worker.held.has(digest))
  if (missing.length > 0) throw new AppError('image.missing', '', { facts: { missing } })
  if (worker.refusal !== undefined) throw worker.refusal
  worker.admitted.push(request)
  return new Response(eventBody(worker, request, init.signal ?? undefined))
}

function eventBody(worker: FakeWorker, request: GenerateRequest, signal: AbortSignal | undefined) {
  const encoder = new TextEncoder()
  const events = worker.script(request)[Symbol.iterator]()
  return new ReadableStream<Uint8Array>({
    start(controller) {
      signal?.addEventListener('abort', () => {
        worker.left++
        controller.error(signal.reason)
      })
    },
    async pull(controller) {
      await worker.beforeEvent()
      const { done, value } = events.next()
      if (done === true) {
        controller.close()
        return
      }
      const identity = { model_name: TINY_MODEL, id: 'fake' }
      const text = AppError.isInstance(value) ? encodeErrorEvent(value) : encodeGenerateEvent(identity, value)
      controller.enqueue(encoder.encode(text))
    },
    cancel() {
      worker.left++
    },
  })
}

function parametersWith(tokenizer_digest: string): ModelFacts {
  return {
    context_length: 512,
    vocab_size: tinyTokenizer.vocabSize,
    image_token_id: TINY_IDS.soft,
    boi_token_id: TINY_IDS.boi,
    eoi_token_id: TINY_IDS.eoi,
    tokens_per_image: 4,
    bos_token_id: TINY_IDS.bos,
    eos_token_ids: [TINY_IDS.eos, TINY_IDS.endOfTurn],
    chat_template: 'gemma3',
    generation_defaults: { temperature: 1, top_k: 64, top_p: 0.95, max_tokens: 64 },
    tokenizer_digest,
    image_size: 896,
    patch_size: 14,
    has_vision: true,
  }
}
