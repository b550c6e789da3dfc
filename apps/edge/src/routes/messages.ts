import type { AppError } from '@loupe/shared/errors'
import {
  type AnthropicRequest,
  blameInMessages,
  type MessageTokens,
  readCountTokensRequest,
  readMessagesRequest,
} from '@loupe/shared/schema'
import { Hono } from 'hono'
import { collectMessage, PING, streamMessage } from '../anthropic/message-events.ts'
import { MessageWriter } from '../anthropic/message-writer.ts'
import { countRequest } from '../chat/count-request.ts'
import { EVENT_STREAM_HEADERS } from '../chat/event-stream.ts'
import { startAnswer } from '../chat/start-answer.ts'
import type { EdgeEnv } from '../edge-env.ts'
import { LIMITS } from '../limits.ts'
import { faultFields } from '../middleware/observe.ts'
import { readJson } from '../read-json.ts'
import { namedEventStream } from '../responses/named-event-stream.ts'
import { newId } from '../responses/new-id.ts'
import { warningHeaders } from '../warning-headers.ts'

/** `POST /v1/messages` as Anthropic's clients send it, streamed or not; its tokens counted. */
export const messages = new Hono<EdgeEnv>()
  .post('/', async (c) => {
    const { services, requestId, tenant } = c.var
    const request = readMessagesRequest(await readJson(c.req.raw, LIMITS.requestBytes))
    const { chat } = request
    const left = new AbortController()
    const signal = AbortSignal.any([c.req.raw.signal, left.signal])
    const source = { services, identity: { tenant, requestId } }
    const answer = await blamed(request, startAnswer(chat, source, signal))
    const making = { answer, writer: new MessageWriter({ id: newId('msg'), answer }) }
    const headers = warningHeaders(chat.ignored)
    if (!chat.stream) return c.json(await collectMessage(making), 200, headers)

    const onError = (error: AppError) => services.log({ request_id: requestId, ...faultFields(error) })
    const events = streamMessage(making, { requestId, onError })
    const body = namedEventStream(events, { pingMs: LIMITS.pingMs, ping: PING, onCancel: () => left.abort() })
    return c.body(body, 200, { ...EVENT_STREAM_HEADERS, ...headers })
  })
  .post('/count_tokens', async (c) => {
    const { services, tenant } = c.var
    const request = readCountTokensRequest(await readJson(c.req.raw, LIMITS.requestBytes))
    const counting = countRequest(request.chat, { services, identity: { tenant } }, c.req.raw.signal)
    const { input_tokens } = await blamed(request, counting)
    return c.json<MessageTokens>({ input_tokens }, 200, warningHeaders(request.chat.ignored))
  })

/** Faults point at the request as it was sent. */
function blamed<T>({ places }: AnthropicRequest, work: Promise<T>): Promise<T> {
  return work.catch((error: unknown) => {
    throw blameInMessages(error, places)
  })
}
