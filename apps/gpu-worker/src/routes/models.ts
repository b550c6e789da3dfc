import { AppError } from '@loupe/shared/errors'
import type { ModelList } from '@loupe/shared/wire'
import { Hono } from 'hono'
import type { WorkerEnv } from '../http/environment.ts'
import { findModel } from '../http/find-model.ts'

/** What there is to know about the models: `GET /v2/models` and below. */
export const models = new Hono<WorkerEnv>()
  .get('/', (c) => {
    const { deps } = c.var
    const list: ModelList = {
      models: [...deps.models.keys()].map((name) => ({ name, ready: deps.state() === 'ready' })),
    }
    return c.json(list)
  })
  .get('/:model', (c) => c.json(findModel(c.var.deps, c.req.param('model')).metadata))
  .get('/:model/ready', (c) => {
    const { name } = findModel(c.var.deps, c.req.param('model')).metadata
    if (c.var.deps.state() !== 'ready') throw new AppError('worker.unavailable', 'The worker is shutting down.')
    return c.json({ name, ready: true })
  })
  .get('/:model/tokenizer', (c) => {
    const { tokenizer, metadata } = findModel(c.var.deps, c.req.param('model'))
    const etag = `"${metadata.parameters.tokenizer_digest}"`
    const headers = { etag, 'cache-control': 'public, max-age=31536000, immutable' }
    if (c.req.header('if-none-match') === etag) return c.body(null, 304, headers)
    return c.body(tokenizer, 200, { ...headers, 'content-type': 'application/octet-stream' })
  })
