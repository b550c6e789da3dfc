import avif from '@jsquash/avif/codec/dec/avif_dec.wasm'
import { AppError } from '@loupe/shared/errors'
import { createImagePipeline } from '@loupe/shared/image'
import type { ExecutionContext } from 'hono'
import { createApp } from './app.ts'
import { codecs } from './codecs.ts'
import { readConfig } from './config.ts'
import { objectNamespace } from './durable-objects.ts'
import { errorReply } from './error-reply.ts'
import { createObjectFileStore } from './files/object-file-store.ts'
import { createObjectKeyBook } from './keys/object-key-book.ts'
import { createObjectReplyShelf } from './replies/object-reply-shelf.ts'
import type { ResponseShelfObject } from './storage/response-shelf-object.ts'
import { createResponseStore } from './storage/response-store.ts'

export { FileShelfObject } from './files/file-shelf-object.ts'
export { KeyDirectoryObject } from './keys/key-directory-object.ts'
export { KeyObject } from './keys/key-object.ts'
export { ReplyObject } from './replies/reply-object.ts'
export { ResponseShelfObject } from './storage/response-shelf-object.ts'

let app: ReturnType<typeof createApp> | undefined

function wire(env: Readonly<Record<string, unknown>>) {
  const config = readConfig(env)
  const nowMs = () => Date.now()
  const shelves = objectNamespace<ResponseShelfObject>(env, 'RESPONSES')
  const shelfOf = (tenant: string) => shelves.getByName(tenant)
  return createApp({
    config,
    fetchWorker: (url, init) => fetch(url, init),
    fetchImage: (url, init) => fetch(url, init),
    images: createImagePipeline(config.decodesAvif ? { ...codecs, avif } : codecs),
    keys: createObjectKeyBook(env),
    replies: createObjectReplyShelf(env),
    responses: createResponseStore({ shelfOf, ttlMs: config.responseTtlMs, nowMs }),
    files: createObjectFileStore(env, nowMs),
    // biome-ignore lint/suspicious/noConsole: the log of a Worker is its console
    log: (line) => console.log(JSON.stringify(line)),
    nowMs,
  })
}

/** The Worker. The app is made at the first request, when the variables are known, and kept for the isolate. */
export default {
  async fetch(request: Request, env: Readonly<Record<string, unknown>>, context: ExecutionContext): Promise<Response> {
    try {
      app ??= wire(env)
      return await app.fetch(request, env, context)
    } catch (error) {
      return errorReply(AppError.from(error))
    }
  },
}
