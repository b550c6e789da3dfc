import { readChatRequest, type TokenCount } from '@loupe/shared/schema'
import { Hono } from 'hono'
import { countRequest } from '../chat/count-request.ts'
import type { EdgeEnv } from '../edge-env.ts'
import { LIMITS } from '../limits.ts'
import { readJson } from '../read-json.ts'
import { warningHeaders } from '../warning-headers.ts'

/** `POST /v1/count`: a chat request, and what it would cost. */
export const count = new Hono<EdgeEnv>().post('/', async (c) => {
  const { services, tenant } = c.var
  const request = readChatRequest(await readJson(c.req.raw, LIMITS.requestBytes))
  const counted = await countRequest(request, { services, identity: { tenant } }, c.req.raw.signal)
  return c.json<TokenCount>(counted, 200, warningHeaders(request.ignored))
})
