import avif from '@jsquash/avif/codec/dec/avif_dec.wasm'
import { AppError } from '@loupe/shared/errors'
import { createImagePipeline } from '@loupe/shared/image'
import type { ExecutionContext } from 'hono'
import { createApp } from './app.ts'
import { createBatchConsumer, readReference } from './batches/batch-consumer.ts'
import type { MessageBatch } from './batches/batch-queue.ts'
import type { BatchReference } from './batches/batch-store.ts'
import type { Insiders } from './batches/insiders.ts'
import { createObjectBatchStore } from './batches/object-batch-store.ts'
import { codecs } from './codecs.ts'
import { readConfig } from './config.ts'
import { objectNamespace } from './durable-objects.ts'
import type { LogLine } from './edge-env.ts'
import { errorReply } from './error-reply.ts'
import { createObjectFileStore } from './files/object-file-store.ts'
import { createObjectKeyBook } from './keys/object-key-book.ts'
import { createObjectReplyShelf } from './replies/object-reply-shelf.ts'
import type { ResponseShelfObject } from './storage/response-shelf-object.ts'
import { createResponseStore } from './storage/response-store.ts'

export { BatchLedgerObject } from './batches/batch-ledger-object.ts'
export { FileShelfObject } from './files/file-shelf-object.ts'
export { KeyDirectoryObject } from './keys/key-directory-object.ts'
export { KeyObject } from './keys/key-object.ts'
export { ReplyObject } from './replies/reply-object.ts'
export { ResponseShelfObject } from './storage/response-shelf-object.ts'

type App = ReturnType<typeof createApp>
type Env = Readonly<Record<string, unknown>>

interface Edge {
  readonly app: App
  readonly consumerOf: (
    fetchApp: (request: Request) => Promise<Response>,
  ) => (reference: BatchReference) => Promise<void>
}

let edge: Edge | undefined

function wire(env: Env): Edge {
  const config = readConfig(env)
  const nowMs = () => Date.now()
  // biome-ignore lint/suspicious/noConsole: the log of a Worker is its console
  const log = (line: LogLine) => console.log(JSON.stringify(line))
  const shelves = objectNamespace<ResponseShelfObject>(env, 'RESPONSES')
  const shelfOf = (tenant: string) => shelves.getByName(tenant)
  const insiders: Insiders = new WeakMap()
  const files = createObjectFileStore(env, nowMs)
  const batches = createObjectBatchStore(env)
  const keys = createObjectKeyBook(env)
  const app = createApp({
    config,
    fetchWorker: (url, init) => fetch(url, init),
    fetchImage: (url, init) => fetch(url, init),
    images: createImagePipeline(config.decodesAvif ? { ...codecs, avif } : codecs),
    keys,
    replies: createObjectReplyShelf(env),
    responses: createResponseStore({ shelfOf, ttlMs: config.responseTtlMs, nowMs }),
    files,
    batches,
    insiders,
    log,
    nowMs,
  })
  return {
    app,
    consumerOf: (fetchApp) => createBatchConsumer({ batches, files, keys, insiders, fetchApp, log, nowMs }),
  }
}

/** The Worker. The app is made at the first request, when the variables are known, and kept for the isolate. */
export default {
  async fetch(request: Request, env: Env, context: ExecutionContext): Promise<Response> {
    try {
      edge ??= wire(env)
      return await edge.app.fetch(request, env, context)
    } catch (error) {
      return errorReply(AppError.from(error))
    }
  },
  /** Works on the batches that messages name. A message whose work fails comes again. */
  async queue(delivered: MessageBatch, env: Env, context: ExecutionContext): Promise<void> {
    edge ??= wire(env)
    const { app, consumerOf } = edge
    const consume = consumerOf(async (request) => app.fetch(request, env, context))
    await Promise.all(
      delivered.messages.map(async (message) => {
        try {
          await consume(readReference(message.body))
          message.ack()
        } catch {
          message.retry()
        }
      }),
    )
  },
}
