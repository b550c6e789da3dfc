import { Hono } from 'hono'
import type { EdgeEnv } from '../edge-env.ts'

/** `/healthz`: the edge runs. `/readyz`: the worker behind it is ready to answer, too. */
export const health = new Hono<EdgeEnv>()
  .get('/healthz', (c) => c.json({ status: 'ok' }))
  .get('/readyz', async (c) => {
    await c.var.services.worker.checkReady(c.req.raw.signal)
    return c.json({ status: 'ready' })
  })
