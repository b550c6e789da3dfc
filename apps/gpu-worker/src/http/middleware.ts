import { AppError } from '@loupe/shared/errors'
import { REQUEST_ID_HEADER } from '@loupe/shared/wire'
import { bodyLimit } from 'hono/body-limit'
import { createMiddleware } from 'hono/factory'
import type { WorkerDeps, WorkerEnv } from './environment.ts'

/** Makes the app's world known to its routes. */
export function provide(deps: WorkerDeps) {
  return createMiddleware<WorkerEnv>(async (c, next) => {
    c.set('deps', deps)
    await next()
  })
}

/** Every reply carries the id of its request, failures too. */
export function echoRequestId() {
  return createMiddleware<WorkerEnv>(async (c, next) => {
    await next()
    c.header(REQUEST_ID_HEADER, c.var.requestId)
  })
}

/** One line a request, when its headers are on their way. Health checks and scrapes would drown the rest. */
export function logRequests() {
  return createMiddleware<WorkerEnv>(async (c, next) => {
    const { log, now } = c.var.deps
    const startedMs = now()
    await next()
    if (c.req.path.startsWith('/v2/health/') || c.req.path === '/metrics') return
    const failure = c.error === undefined ? undefined : AppError.from(c.error)
    const isOurs = c.res.status >= 500
    log(isOurs ? 'error' : 'info', 'request', {
      requestId: c.var.requestId,
      method: c.req.method,
      path: c.req.path,
      status: c.res.status,
      code: failure?.code,
      elapsedMs: Math.round(now() - startedMs),
      failure: isOurs ? failure : undefined,
    })
  })
}

/** Refuses new work while the worker drains. */
export function refuseWhenDraining() {
  return createMiddleware<WorkerEnv>(async (c, next) => {
    if (c.var.deps.state() !== 'ready') throw new AppError('worker.unavailable', 'The worker is shutting down.')
    await next()
  })
}

/**
 * Refuses bodies that are too large: by their announced size before a byte is read, else while they are read. Refuses any
 * body while those of other requests fill the memory set aside for them.
 */
export function limitBody() {
  return createMiddleware<WorkerEnv>(async (c, next) => {
    const { maxRequestBytes, bodies } = c.var.deps
    const onError = () => {
      throw new AppError('request.too_large', `The body may have at most ${maxRequestBytes} bytes.`)
    }
    const length = c.req.header('content-length') ?? ''
    const announced = /^\d+$/.test(length) ? Number(length) : maxRequestBytes
    const giveBack = bodies.take(Math.min(announced, maxRequestBytes))
    if (giveBack === undefined) throw new AppError('queue.full', 'Too many requests are being read.')
    try {
      return await bodyLimit({ maxSize: maxRequestBytes, onError })(c, next)
    } finally {
      giveBack()
    }
  })
}
