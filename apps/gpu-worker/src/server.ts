import type { Server } from 'node:http'
import { type AddressInfo, isIPv6 } from 'node:net'
import { createAdaptorServer } from '@hono/node-server'
import { AppError } from '@loupe/shared/errors'
import { MAX_REQUEST_BYTES } from '@loupe/shared/wire'
import { createApp } from './app.ts'
import { ByteBudget } from './http/byte-budget.ts'
import type { WorkerState } from './http/environment.ts'
import type { Log } from './log.ts'
import type { ServedModel } from './served-model.ts'

/** What a server is made of. */
export interface ServerOptions {
  readonly models: readonly ServedModel[]
  readonly host: string
  /** 0 takes a free port. */
  readonly port: number
  readonly log: Log
  readonly version: string
  /** How long a running answer may go on after `close`, milliseconds. */
  readonly drainMs: number
}

/** A worker that listens. */
export interface WorkerServer {
  readonly url: string
  /**
   * Shuts down: not ready at once, answers under way may end within `drainMs`, what is left is aborted. Resolves when
   * nothing runs any more and the port is free.
   */
  close(): Promise<void>
}

const KEEP_ALIVE_MS = 10_000
/** Bodies in memory at the same time: six of the largest, or two hundred with one picture. */
const MAX_BODY_BYTES = 512 * 1024 * 1024

/** Starts the worker's HTTP server. @throws AppError `worker.unavailable` when it cannot listen */
export async function startServer(options: ServerOptions): Promise<WorkerServer> {
  let state: WorkerState = 'ready'
  const app = createApp({
    models: new Map(options.models.map((served) => [served.metadata.name, served])),
    state: () => state,
    log: options.log,
    now: () => performance.now(),
    version: options.version,
    maxRequestBytes: MAX_REQUEST_BYTES,
    bodies: new ByteBudget(MAX_BODY_BYTES),
    keepAliveMs: KEEP_ALIVE_MS,
  })
  // Over plain HTTP the adaptor makes a server of node:http.
  const server = createAdaptorServer({ fetch: app.fetch }) as Server
  await listen(server, options)
  const { port } = server.address() as AddressInfo // a server that listens on TCP has one
  return {
    url: `http://${isIPv6(options.host) ? `[${options.host}]` : options.host}:${port}`,
    close: async () => {
      state = 'draining'
      await drain(options)
      await new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeIdleConnections()
        // Streams that just ended are written out; a client that does not read cannot hold us up.
        setTimeout(() => server.closeAllConnections(), 1000).unref()
      })
    },
  }
}

function listen(server: Server, { host, port }: ServerOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => {
      reject(new AppError('worker.unavailable', `Cannot listen on ${host}:${port}: ${cause.message}.`, { cause }))
    })
    server.listen(port, host, resolve)
  })
}

async function drain({ models, drainMs }: ServerOptions): Promise<void> {
  const engines = models.map(({ engine }) => engine)
  const { promise: timeUp, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, drainMs)
  await Promise.race([timeUp, Promise.all(engines.map((engine) => engine.idle()))])
  clearTimeout(timer)
  const reason = new AppError('worker.unavailable', 'The worker is shutting down.')
  await Promise.all(engines.map((engine) => engine.close(reason)))
}
