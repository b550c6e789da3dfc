import { AppError } from '@loupe/shared/errors'
import { createImagePipeline } from '@loupe/shared/image'
import { createApp } from './app.ts'
import { codecs } from './codecs.ts'
import { readConfig } from './config.ts'
import { errorReply } from './error-reply.ts'

let app: ReturnType<typeof createApp> | undefined

function wire(env: Readonly<Record<string, unknown>>) {
  return createApp({
    config: readConfig(env),
    fetchWorker: (url, init) => fetch(url, init),
    fetchImage: (url, init) => fetch(url, init),
    images: createImagePipeline(codecs),
    // biome-ignore lint/suspicious/noConsole: the log of a Worker is its console
    log: (line) => console.log(JSON.stringify(line)),
    nowMs: () => Date.now(),
  })
}

/** The Worker. The app is made at the first request, when the variables are known, and kept for the isolate. */
export default {
  async fetch(request: Request, env: Readonly<Record<string, unknown>>): Promise<Response> {
    try {
      app ??= wire(env)
      return await app.fetch(request)
    } catch (error) {
      return errorReply(AppError.from(error))
    }
  },
}
