import { AppError } from '@loupe/shared/errors'
import { REQUEST_ID_HEADER } from '@loupe/shared/wire'
import { Hono } from 'hono'
import { requestId } from 'hono/request-id'
import type { WorkerDeps, WorkerEnv } from './http/environment.ts'
import { echoRequestId, logRequests, provide } from './http/middleware.ts'
import { errorResponse } from './http/responses.ts'
import { health } from './routes/health.ts'
import { infer } from './routes/infer.ts'
import { models } from './routes/models.ts'

/** The worker's HTTP API over injected models. @see packages/shared/src/wire/PROTOCOL.md */
export function createApp(deps: WorkerDeps): Hono<WorkerEnv> {
  const app = new Hono<WorkerEnv>()
    .use(requestId({ headerName: REQUEST_ID_HEADER }))
    .use(echoRequestId())
    .use(provide(deps))
    .use(logRequests())
    .route('/', health)
    .route('/v2/models', models)
    .route('/v2/models', infer)
  app.notFound((c) => errorResponse(new AppError('route.unknown', `There is no ${c.req.method} ${c.req.path}.`)))
  app.onError((error) => errorResponse(AppError.from(error)))
  return app
}
