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
      ...(c.error === undefined ? {} : faultFields(AppError.from(c.error))),
    })
  })
}

/**
 * A fault as it is logged: the detail and the cause of one of our own stand here and nowhere else.
 *
 * The cause of a client's fault is left out, for it may quote what the client sent.
 */
export function faultFields(error: AppError): LogLine {
  const { code, message, entry, cause } = error
  const isOurs = entry.type === 'server_error' && cause instanceof Error
  return { code, error: message, cause: isOurs ? (cause.stack ?? cause.message) : undefined }
}
