import { AppError } from '@loupe/shared/errors'
import { type ResponseInputTokens, readResponsesRequest } from '@loupe/shared/schema'
import { Hono } from 'hono'
import { EVENT_STREAM_HEADERS } from '../chat/event-stream.ts'
import type { EdgeEnv } from '../edge-env.ts'
import { LIMITS } from '../limits.ts'
import { faultFields } from '../middleware/observe.ts'
import { readJson } from '../read-json.ts'
import { itemPage } from '../responses/item-page.ts'
import { namedEventStream } from '../responses/named-event-stream.ts'
import { collectResponse, streamResponse } from '../responses/response-events.ts'
import { countResponse, startResponse } from '../responses/start-response.ts'
import { warningHeaders } from '../warning-headers.ts'

/** `POST /v1/responses`, streamed or not; its tokens counted; stored responses: get, delete, list what was asked. */
export const responses = new Hono<EdgeEnv>()
  .post('/', async (c) => {
    const { services, requestId, tenant } = c.var
    const request = readResponsesRequest(await readJson(c.req.raw, LIMITS.requestBytes))
    const left = new AbortController()
    const signal = AbortSignal.any([c.req.raw.signal, left.signal])
    const { making, ignored } = await startResponse(request, { services, identity: { tenant, requestId } }, signal)
    const headers = warningHeaders(ignored)
    if (!request.stream) return c.json(await collectResponse(making), 200, headers)

    const onError = (error: AppError) => services.log({ request_id: requestId, ...faultFields(error) })
    const events = streamResponse(making, onError)
    const body = namedEventStream(events, { pingMs: LIMITS.pingMs, onCancel: () => left.abort() })
    return c.body(body, 200, { ...EVENT_STREAM_HEADERS, ...headers })
  })
  .post('/input_tokens', async (c) => {
    const { services, requestId, tenant } = c.var
    const request = readResponsesRequest(await readJson(c.req.raw, LIMITS.requestBytes))
    const source = { services, identity: { tenant, requestId } }
    const { input_tokens } = await countResponse(request, source, c.req.raw.signal)
    return c.json<ResponseInputTokens>({ object: 'response.input_tokens', input_tokens }, 200)
  })
  .post('/compact', () => {
    throw new AppError('request.unsupported', 'Conversations are not compacted by this server.')
  })
  .get('/:id', async (c) => {
    if (c.req.query('stream') === 'true') {
      throw new AppError('request.unsupported', '"stream" is not offered here: a stored response is whole.', {
        param: 'stream',
      })
    }
    const id = c.req.param('id')
    const response = await c.var.services.responses.get(c.var.tenant, id)
    if (response === undefined) throw unknownResponse(id)
    return c.json(response)
  })
  .delete('/:id', async (c) => {
    const id = c.req.param('id')
    if (!(await c.var.services.responses.delete(c.var.tenant, id))) throw unknownResponse(id)
    return c.json({ id, object: 'response', deleted: true } as const)
  })
  .get('/:id/input_items', async (c) => {
    const id = c.req.param('id')
    const items = await c.var.services.responses.input(c.var.tenant, id)
    if (items === undefined) throw unknownResponse(id)
    return c.json(itemPage(items, c.req.query()))
  })
  .post('/:id/cancel', () => {
    throw new AppError('request.unsupported', 'Only responses in the background can be cancelled, and none are made.')
  })

function unknownResponse(id: string): AppError {
  const detail = `The response "${id.slice(0, 64)}" was not stored, is deleted or has expired.`
  return new AppError('response.unknown', detail)
}
