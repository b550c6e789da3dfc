import { readCompletionRequest } from '@loupe/shared/schema'
import { Hono } from 'hono'
import { EVENT_STREAM_HEADERS, eventStream } from '../chat/event-stream.ts'
import { startCompletion } from '../completions/start-completion.ts'
import { collectCompletion, streamCompletion } from '../completions/text-completion.ts'
import type { EdgeEnv } from '../edge-env.ts'
import { LIMITS } from '../limits.ts'
import { faultFields } from '../middleware/observe.ts'
import { readJson } from '../read-json.ts'
import { warningHeaders } from '../warning-headers.ts'

/** `POST /v1/completions`, streamed or not: prompts go to the model as they are. */
export const completions = new Hono<EdgeEnv>().post('/', async (c) => {
  const { services, requestId, tenant } = c.var
  const request = readCompletionRequest(await readJson(c.req.raw, LIMITS.requestBytes))
  const left = new AbortController()
  const signal = AbortSignal.any([c.req.raw.signal, left.signal])
  const answer = await startCompletion(request, { services, identity: { tenant, requestId } }, signal)
  const identity = { id: `cmpl-${requestId}`, created: Math.floor(services.nowMs() / 1000) }
  const headers = warningHeaders(request.chat.ignored)
  if (!request.chat.stream) return c.json(await collectCompletion(answer, identity), 200, headers)

  const body = eventStream(streamCompletion(answer, identity, request.chat), {
    pingMs: LIMITS.pingMs,
    onError: (error) => services.log({ request_id: requestId, ...faultFields(error) }),
    onCancel: () => left.abort(),
  })
  return c.body(body, 200, { ...EVENT_STREAM_HEADERS, ...headers })
})
