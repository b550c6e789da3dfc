import { AppError } from '@loupe/shared/errors'
import { createMiddleware } from 'hono/factory'
import type { EdgeEnv, LogLine } from '../edge-env.ts'

/** Where lines go and what time it is. */
export interface ObserveOptions {
  readonly log: (line: LogLine) => void
  readonly nowMs: () => number
}

/** Tells the client how long its request took to be answered, and the operator what happened. Bodies are not logged. */
export function observe({ log, nowMs }: ObserveOptions) {
  return createMiddleware<EdgeEnv>(async (c, next) => {
    const startMs = nowMs()
    await next()
    const durationMs = nowMs() - startMs
    c.header('openai-processing-ms', String(durationMs))
    log({
      request_id: c.var.requestId,
      method: c.req.method,
      path: c.req.path,
      status: c.res.status,
      duration_ms: durationMs,
      ...errorFields(c.error === undefined ? undefined : AppError.from(c.error)),
    })
  })
}

/** The detail and the cause of an internal fault stand here and nowhere else. */
function errorFields(error: AppError | undefined): LogLine {
  if (error === undefined) return {}
  const cause = error.cause instanceof Error ? (error.cause.stack ?? error.cause.message) : undefined
  return { code: error.code, error: error.message, cause }
}
