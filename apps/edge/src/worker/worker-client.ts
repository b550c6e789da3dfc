import { AppError, fromOipError } from '@loupe/shared/errors'
import {
  encodeGenerateRequest,
  type GenerateEvent,
  type GenerateParameters,
  type GenerateRequest,
  type ModelList,
  type ModelMetadata,
  parseModelList,
  parseModelMetadata,
  REQUEST_ID_HEADER,
  readGenerateStream,
  WORKER_PATHS,
} from '@loupe/shared/wire'
import { abortError } from '../error-reply.ts'
import type { Fetch } from '../fetch.ts'
import { encodeFeaturesRequest, type PictureFeatures, readFeatures } from './picture-features.ts'
import { watchSilence } from './silence-watch.ts'

/** The model worker, as the edge sees it. Every method throws the worker's own fault as an `AppError`. */
export interface WorkerClient {
  /** @throws AppError `worker.unavailable` unless the worker is ready */
  checkReady(signal: AbortSignal): Promise<void>
  listModels(signal: AbortSignal): Promise<ModelList>
  /** @throws AppError `model.unknown` */
  metadata(model: string, signal: AbortSignal): Promise<ModelMetadata>
  tokenizer(model: string, signal: AbortSignal): Promise<Uint8Array>
  /**
   * Starts an answer. Resolves when the worker has admitted the request; leaving the iterator early stops the worker.
   *
   * @throws AppError `image.missing` with the digests whose patches the worker needs, having started nothing
   */
  generate(model: string, request: GenerateRequest, signal: AbortSignal): Promise<AsyncGenerator<GenerateEvent, void>>
  /** What the model sees in one picture, given its patches. @throws AppError `model.unknown` for one without vision */
  pictureFeatures(
    model: string,
    patches: Uint8Array,
    parameters: GenerateParameters,
    signal: AbortSignal,
  ): Promise<PictureFeatures>
}

/** Where the worker is and how long it may take. */
export interface WorkerClientOptions {
  readonly url: string
  readonly fetch: Fetch
  /** For a whole reply to a short question. */
  readonly replyMs: number
  /** Without a byte of an answer that is awaited. A worker that computes or lets a request wait sends comments. */
  readonly silenceMs: number
}

/** Makes a client for one worker, or for the balancer in front of several. */
export function createWorkerClient({ url, fetch, replyMs, silenceMs }: WorkerClientOptions): WorkerClient {
  const send = async (path: string, init: RequestInit & { signal: AbortSignal }): Promise<Response> => {
    const reply = await fetch(`${url}${path}`, init).catch((cause: unknown) => {
      throw connectionError(init.signal, cause)
    })
    if (!reply.ok) throw await replyError(reply)
    return reply
  }
  const ask = (path: string, signal: AbortSignal): Promise<Response> => {
    return send(path, { signal: AbortSignal.any([signal, AbortSignal.timeout(replyMs)]) })
  }

  return {
    async checkReady(signal) {
      const reply = await ask(WORKER_PATHS.ready, signal)
      await reply.body?.cancel()
    },
    async listModels(signal) {
      return parseModelList(await readJsonReply(await ask(WORKER_PATHS.models, signal)))
    },
    async metadata(model, signal) {
      return parseModelMetadata(await readJsonReply(await ask(WORKER_PATHS.model(model), signal)))
    },
    async tokenizer(model, signal) {
      const reply = await ask(WORKER_PATHS.tokenizer(model), signal)
      return new Uint8Array(await reply.arrayBuffer().catch(brokenOff))
    },
    async pictureFeatures(model, patches, parameters, signal) {
      const watch = watchSilence(silenceMs)
      const init = { method: 'POST', ...encodeFeaturesRequest(patches, parameters) }
      const either = AbortSignal.any([signal, watch.signal])
      return readFeatures(await watch.during(send(WORKER_PATHS.vision(model), { ...init, signal: either })))
    },
    async generate(model, request, signal) {
      const { headers, body } = encodeGenerateRequest(request)
      const requestId = request.id === undefined ? {} : { [REQUEST_ID_HEADER]: request.id }
      const watch = watchSilence(silenceMs)
      const either = AbortSignal.any([signal, watch.signal])
      const init = { method: 'POST', headers: { ...headers, ...requestId }, body, signal: either }
      const reply = await watch.during(send(WORKER_PATHS.generateStream(model), init))
      if (reply.body === null) throw new AppError('worker.lost', 'The worker sent an answer without a body.')
      return blameAborter(readGenerateStream(watch.over(reply.body)), either)
    },
  }
}

/** A stream that breaks because the client left, or because we gave up, is not the worker's fault. */
async function* blameAborter<T>(events: AsyncGenerator<T, void>, signal: AbortSignal): AsyncGenerator<T, void> {
  try {
    yield* events
  } catch (error) {
    throw signal.aborted ? abortError(signal) : error
  }
}

function connectionError(signal: AbortSignal, cause: unknown): AppError {
  if (!signal.aborted) return new AppError('worker.unavailable', 'The model worker cannot be reached.', { cause })
  const reason: unknown = signal.reason
  if (reason instanceof DOMException && reason.name === 'TimeoutError') return new AppError('worker.timeout')
  return abortError(signal)
}

/** A balancer or tunnel in front of the worker speaks for it, in HTML, when the worker is gone. */
const GATEWAY_STATUSES = new Set([502, 503, 504, 520, 521, 522, 523, 530])

async function replyError(reply: Response): Promise<AppError> {
  const body: unknown = await reply.json().catch(() => undefined)
  const error = fromOipError(body)
  if (error.code === 'worker.lost' && GATEWAY_STATUSES.has(reply.status)) {
    return new AppError('worker.unavailable', 'The model worker is not ready.')
  }
  const retryAfterMs = Number(reply.headers.get('retry-after-ms') ?? Number.NaN)
  if (!Number.isFinite(retryAfterMs)) return error
  const { param, facts } = error
  return new AppError(error.code, error.detail, {
    retryAfterMs,
    ...(param === undefined ? {} : { param }),
    ...(facts === undefined ? {} : { facts }),
  })
}

function readJsonReply(reply: Response): Promise<unknown> {
  return reply.json().catch(brokenOff)
}

function brokenOff(cause: unknown): never {
  throw new AppError('worker.lost', 'The worker broke off in the middle of a reply.', { cause })
}
