import { readChatRequest } from '@loupe/shared/schema'
import { Hono } from 'hono'
import { collectCompletion, streamCompletion } from '../chat/completion.ts'
import { EVENT_STREAM_HEADERS, eventStream } from '../chat/event-stream.ts'
import { startAnswer } from '../chat/start-answer.ts'
import type { EdgeEnv } from '../edge-env.ts'
import { LIMITS } from '../limits.ts'
import { faultFields } from '../middleware/observe.ts'
import { readJson } from '../read-json.ts'
import { warningHeaders } from '../warning-headers.ts'

/** `POST /v1/chat/completions`, streamed or not. */
export const chatCompletions = new Hono<EdgeEnv>().post('/', async (c) => {
  const { services, requestId, tenant } = c.var
  const request = readChatRequest(await readJson(c.req.raw, LIMITS.requestBytes))
  const left = new AbortController()
  const signal = AbortSignal.any([c.req.raw.signal, left.signal])
  const answer = await startAnswer(request, { services, identity: { tenant, requestId } }, signal)
  const identity = { id: `chatcmpl-${requestId}`, created: Math.floor(services.nowMs() / 1000) }
  const headers = warningHeaders(request.ignored)
  if (!request.stream) return c.json(await collectCompletion(answer, identity), 200, headers)

  const body = eventStream(streamCompletion(answer, identity, request), {
    pingMs: LIMITS.pingMs,
    onError: (error) => services.log({ request_id: requestId, ...faultFields(error) }),
    onCancel: () => left.abort(),
  })
  return c.body(body, 200, { ...EVENT_STREAM_HEADERS, ...headers })
})
