import { AppError } from '@loupe/shared/errors'
import { type Context, Hono, type Next } from 'hono'
import { cors } from 'hono/cors'
import { requestId } from 'hono/request-id'
import { anthropicErrorReply } from './anthropic/error-reply.ts'
import type { BatchStore } from './batches/batch-store.ts'
import type { Insiders } from './batches/insiders.ts'
import type { EdgeConfig } from './config.ts'
import type { EdgeEnv, LogLine, Services } from './edge-env.ts'
import { errorReply } from './error-reply.ts'
import type { Fetch } from './fetch.ts'
import type { FileStore } from './files/file-store.ts'
import { createPictureFileReader } from './files/read-picture-file.ts'
import { createDecodeTurns } from './images/decode-turns.ts'
import { createDnsResolver } from './images/dns-resolver.ts'
import { createImageFetcher } from './images/fetch-image.ts'
import { createImageCache } from './images/image-cache.ts'
import { type ImagePreprocessor, measureImages, prepareImages } from './images/prepare-images.ts'
import type { KeyBook } from './keys/key-book.ts'
import { createKeyring } from './keys/keyring.ts'
import { LIMITS } from './limits.ts'
import { authenticate } from './middleware/authenticate.ts'
import { authenticateAdmin } from './middleware/authenticate-admin.ts'
import { idempotency, REPLAYED_HEADER } from './middleware/idempotency.ts'
import { observe } from './middleware/observe.ts'
import { RATE_LIMIT_HEADERS, rateLimit } from './middleware/rate-limit.ts'
import type { ReplyShelf } from './replies/reply-shelf.ts'
import { adminKeys } from './routes/admin-keys.ts'
import { batchRoutes } from './routes/batches.ts'
import { chatCompletions } from './routes/chat-completions.ts'
import { completions } from './routes/completions.ts'
import { count } from './routes/count.ts'
import { embeddings } from './routes/embeddings.ts'
import { fileRoutes } from './routes/files.ts'
import { health } from './routes/health.ts'
import { messages } from './routes/messages.ts'
import { models } from './routes/models.ts'
import { preview } from './routes/preview.ts'
import { responses } from './routes/responses.ts'
import { detokenize, tokenize } from './routes/tokenize.ts'
import type { ResponseStore } from './storage/response-store.ts'
import { createModelCatalog } from './worker/model-catalog.ts'
import { createWorkerClient } from './worker/worker-client.ts'

/** The world of the app. */
export interface EdgeDeps {
  readonly config: EdgeConfig
  /** Reaches the worker. */
  readonly fetchWorker: Fetch
  /** Reaches the hosts of pictures. */
  readonly fetchImage: Fetch
  readonly images: ImagePreprocessor
  /** Managed API keys and what they have used. */
  readonly keys: KeyBook
  /** Replies that are kept for an Idempotency-Key. */
  readonly replies: ReplyShelf
  /** Keeps what was answered at `/v1/responses`. */
  readonly responses: ResponseStore
  /** Keeps what was uploaded, and what batches have written. */
  readonly files: FileStore
  readonly batches: BatchStore
  /** Requests that lines of batches make. */
  readonly insiders: Insiders
  readonly log: (line: LogLine) => void
  /** Milliseconds since 1970. */
  readonly nowMs: () => number
}

/** Headers that a page of another origin may read. */
const EXPOSED_HEADERS = [
  'x-request-id',
  'request-id',
  'openai-processing-ms',
  'x-loupe-warning',
  'x-should-retry',
  'retry-after',
  'retry-after-ms',
  REPLAYED_HEADER,
  ...RATE_LIMIT_HEADERS,
]

/** Makes the public API. Nothing in it is global: two apps share nothing. */
export function createApp(deps: EdgeDeps) {
  const services = createServices(deps)
  const { config, keys, replies, files, batches, insiders, images } = deps
  const keyring = createKeyring(config.keyPepper)
  const idempotencyOptions = {
    replies,
    maxRequestBytes: LIMITS.requestBytes,
    maxReplyBytes: LIMITS.keptReplyBytes,
  }
  const app = new Hono<EdgeEnv>()
    .use(requestId({ limitLength: 128, generator: () => `req_${crypto.randomUUID().replaceAll('-', '')}` }))
    .use(observe(deps))
    // The preflight's own headers are reflected: the SDKs send many `x-stainless-*` from browsers. No cookies are used.
    .use(cors({ origin: '*', allowMethods: ['GET', 'POST', 'DELETE'], exposeHeaders: EXPOSED_HEADERS, maxAge: 86_400 }))
    .use((c, next) => {
      c.set('services', services)
      return next()
    })
    .route('/', health)
    .use('/v1/messages/*', anthropicRequestId)
    .use('/v1/*', authenticate({ ...config, keyring, keys, insiders }), rateLimit(), idempotency(idempotencyOptions))
    .use('/admin/*', authenticateAdmin({ ...config, keyring, keys }))
    .route('/admin/keys', adminKeys({ keys, keyring }))
    .route('/v1/chat/completions', chatCompletions)
    .route('/v1/responses', responses)
    .route('/v1/completions', completions)
    .route('/v1/messages', messages)
    .route('/v1/embeddings', embeddings)
    .route('/v1/batches', batchRoutes({ batches, files }))
    .route('/v1/files', fileRoutes({ files, images, mostBytes: LIMITS.uploadBytes }))
    .route('/v1/models', models)
    .route('/v1/tokenize', tokenize)
    .route('/v1/detokenize', detokenize)
    .route('/v1/count', count)
    .route('/v1/preview', preview)
    .all('/v1/embeddings', (c) => refuseMethod(c, 'POST'))
    .all('/v1/completions', (c) => refuseMethod(c, 'POST'))
    .all('/v1/messages', (c) => refuseMethod(c, 'POST'))
    .all('/v1/messages/count_tokens', (c) => refuseMethod(c, 'POST'))
    .all('/v1/batches', (c) => refuseMethod(c, 'GET, HEAD, POST'))
    .all('/v1/batches/:id', (c) => refuseMethod(c, 'GET, HEAD'))
    .all('/v1/batches/:id/cancel', (c) => refuseMethod(c, 'POST'))
    .all('/v1/files', (c) => refuseMethod(c, 'GET, HEAD, POST'))
    .all('/v1/files/:id', (c) => refuseMethod(c, 'GET, HEAD, DELETE'))
    .all('/v1/files/:id/content', (c) => refuseMethod(c, 'GET, HEAD'))
    .all('/v1/responses', (c) => refuseMethod(c, 'POST'))
    .all('/v1/responses/:id', (c) => refuseMethod(c, 'GET, HEAD, DELETE'))
    .all('/v1/responses/:id/input_items', (c) => refuseMethod(c, 'GET, HEAD'))
    .all('/v1/chat/completions', (c) => refuseMethod(c, 'POST'))
    .on(['GET', 'PUT', 'PATCH', 'DELETE'], ['/v1/tokenize', '/v1/detokenize', '/v1/count', '/v1/preview'], (c) =>
      refuseMethod(c, 'POST'),
    )
    .on(['POST', 'PUT', 'PATCH', 'DELETE'], '/v1/models/*', (c) => refuseMethod(c, 'GET, HEAD'))
  app.notFound((c) => {
    throw new AppError('route.unknown', `There is nothing at ${c.req.method} ${c.req.path.slice(0, 200)}.`)
  })
  app.onError((thrown, c) => {
    const error = AppError.from(thrown)
    const isAnthropic = /^\/v1\/messages(\/|$)/.test(c.req.path)
    return isAnthropic ? anthropicErrorReply(error, c.var.requestId) : errorReply(error)
  })
  return app
}

function createServices(deps: EdgeDeps): Services {
  const { config, fetchWorker, fetchImage: fetch, images, responses, files, log, nowMs } = deps
  const worker = createWorkerClient({
    url: config.workerUrl,
    fetch: fetchWorker,
    replyMs: LIMITS.workerReplyMs,
    silenceMs: LIMITS.workerSilenceMs,
  })
  const { waitingDecodes: maxWaiting, decodeLeaseMs: leaseMs, abandonedDecodeMs: abandonedMs } = LIMITS
  const turns = createDecodeTurns({ maxWaiting, leaseMs, abandonedMs, nowMs })
  const readPictureFile = createPictureFileReader(files, LIMITS.imageBytes)
  const fetchImage = imageFetcher(config, fetch, nowMs)
  const imageOptions = { images, turns, maxImages: LIMITS.images, fetchImage, readPictureFile }
  return {
    worker,
    models: createModelCatalog({ worker, nowMs, ttlMs: LIMITS.modelTtlMs }),
    prepareImages: (references, terms) => prepareImages(references, imageOptions, terms),
    measureImages: (references, terms) => measureImages(references, imageOptions, terms),
    responses,
    log,
    nowMs,
  }
}

function imageFetcher(config: EdgeConfig, fetch: Fetch, nowMs: () => number) {
  const { allowHttpImages: allowHttp, trustedImageHosts: trustedHosts, imageDnsUrl: url } = config
  return createImageFetcher({
    fetch,
    policy: { allowHttp, trustedHosts },
    ...(url === undefined ? {} : { resolveHost: createDnsResolver({ url, fetch }) }),
    cache: createImageCache({ maxBytes: LIMITS.imageCacheBytes, maxImageBytes: LIMITS.cachedImageBytes }),
    nowMs,
    maxBytes: LIMITS.imageBytes,
    maxRedirects: LIMITS.imageRedirects,
    timeoutMs: LIMITS.imageFetchMs,
  })
}

/** Anthropic's clients look for the id of a request here. */
async function anthropicRequestId(c: Context<EdgeEnv>, next: Next): Promise<void> {
  await next()
  c.header('request-id', c.var.requestId)
}

/** @param taken - the methods of this address, as `Allow` lists them */
function refuseMethod(c: Context<EdgeEnv>, taken: string): never {
  c.header('allow', taken)
  throw new AppError('route.method', `Expected ${taken}, found ${c.req.method}.`)
}
