import { AppError } from '@loupe/shared/errors'
import {
  decodeGenerateRequest,
  decodeVisionRequest,
  encodeErrorEvent,
  encodeGenerateEvent,
  encodeGenerateResponse,
  encodeInferResponse,
  type GenerateEvent,
  type GenerateRequest,
  HEADER_LENGTH_HEADER,
  type ReceivedMessage,
  type StreamIdentity,
} from '@loupe/shared/wire'
import { type Context, Hono } from 'hono'
import { collectAnswer } from '../answer/collect-answer.ts'
import { encodeImages } from '../answer/encode-images.ts'
import { startAnswer } from '../answer/start-answer.ts'
import type { WorkerEnv } from '../http/environment.ts'
import { findModel, findService } from '../http/find-model.ts'
import { limitBody, refuseWhenDraining } from '../http/middleware.ts'
import { errorResponse, eventStreamResponse, messageResponse } from '../http/responses.ts'

/** The work itself: `POST /v2/models/{m}/infer`, `/v2/models/{m}.vision/infer` and `/v2/models/{m}/generate_stream`. */
export const infer = new Hono<WorkerEnv>()
  .post('/:model/infer', refuseWhenDraining(), limitBody(), async (c) => {
    const { served, service } = findService(c.var.deps, c.req.param('model'))
    const message = await receive(c)
    if (service === 'vision') {
      const request = decodeVisionRequest(message)
      const response = await encodeImages(served, request, c.req.raw.signal)
      return messageResponse(encodeInferResponse(response, request.answerAs))
    }
    const request = decodeGenerateRequest(message)
    const identity = identityOf(c, served.metadata.name, request)
    const events = await startAnswer(served, request, {
      ...c.var.deps,
      requestId: identity.id,
      signal: c.req.raw.signal,
    })
    return messageResponse(encodeGenerateResponse({ ...identity, ...(await collectAnswer(events)) }, request.answerAs))
  })
  .post('/:model/generate_stream', refuseWhenDraining(), limitBody(), async (c) => {
    const served = findModel(c.var.deps, c.req.param('model'))
    const request = decodeGenerateRequest(await receive(c))
    const identity = identityOf(c, served.metadata.name, request)
    const left = new AbortController()
    const signal = AbortSignal.any([c.req.raw.signal, left.signal])
    const events = await startAnswer(served, request, { ...c.var.deps, requestId: identity.id, signal })
    return eventStreamResponse(toText(events, identity), {
      onLeave: () => left.abort(new AppError('request.cancelled')),
      keepAliveMs: c.var.deps.keepAliveMs,
    })
  })
  .all('/:model/:action{infer|generate_stream}', () => {
    return errorResponse(new AppError('route.method', 'This address takes POST.'), { allow: 'POST' })
  })

async function receive(c: Context<WorkerEnv>): Promise<ReceivedMessage> {
  return { headerLength: c.req.header(HEADER_LENGTH_HEADER), body: new Uint8Array(await c.req.arrayBuffer()) }
}

function identityOf(c: Context<WorkerEnv>, modelName: string, request: GenerateRequest): StreamIdentity {
  return { model_name: modelName, id: request.id ?? request.parameters.request_id ?? c.var.requestId }
}

/** A fault after the first byte is an event of its own; the headers have long been sent. */
async function* toText(events: AsyncIterable<GenerateEvent>, identity: StreamIdentity): AsyncGenerator<string, void> {
  try {
    for await (const event of events) yield encodeGenerateEvent(identity, event)
  } catch (error) {
    yield encodeErrorEvent(AppError.from(error))
  }
}
