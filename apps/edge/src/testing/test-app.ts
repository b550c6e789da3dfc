import { AppError } from '@loupe/shared/errors'
import { createApp } from '../app.ts'
import { createBatchConsumer } from '../batches/batch-consumer.ts'
import type { BatchReference } from '../batches/batch-store.ts'
import type { Insiders } from '../batches/insiders.ts'
import { type EdgeConfig, readConfig } from '../config.ts'
import type { LogLine } from '../edge-env.ts'
import type { Fetch } from '../fetch.ts'
import type { FileStore } from '../files/file-store.ts'
import type { ImagePreprocessor } from '../images/prepare-images.ts'
import type { ResponseStore } from '../storage/response-store.ts'
import { createFakeWorker, type FakeWorker, type ModelFacts, TINY_MODEL } from './fake-worker.ts'
import { createMemoryBatches, type MemoryBatches } from './memory-batches.ts'
import { createMemoryFiles } from './memory-files.ts'
import { createMemoryKeyBook, type MemoryKeyBook } from './memory-key-book.ts'
import { createMemoryReplyShelf } from './memory-reply-shelf.ts'
import { memoryResponseStore } from './memory-shelf.ts'

/** The app with a fake world round it. */
export interface TestApp {
  readonly worker: FakeWorker
  readonly log: LogLine[]
  readonly keys: MemoryKeyBook
  readonly batches: MemoryBatches
  /** Works on a batch as a consumer of the queue does. */
  consume(reference: BatchReference): Promise<void>
  /** Addresses, as patterns. */
  readonly routes: readonly string[]
  /** The same with their methods; `ALL` for those of all. */
  readonly handlers: readonly { readonly method: string; readonly path: string }[]
  readonly clock: TestClock
  /** Files that were decoded. */
  readonly decoded: Uint8Array[]
  /** For each time that the decoder let go of memory: how many requests the worker had had by then. */
  readonly trims: number[]
  request(path: string, init?: RequestInit): Promise<Response>
  /** Posts a chat request; `model` is filled in. */
  chat(body: Readonly<Record<string, unknown>>, init?: RequestInit): Promise<Response>
}

/** What the app takes for the time. */
interface TestClock {
  /** Milliseconds since 1970; the real time unless a test sets it. */
  nowMs: () => number
}

/** What a test may change. */
export interface TestAppOptions {
  readonly config?: Partial<EdgeConfig>
  readonly model?: Partial<ModelFacts>
  readonly fetchImage?: Fetch
  readonly responses?: ResponseStore
  readonly files?: FileStore
}

const PATCH_BYTES = 4096 * 588
const LOCAL = readConfig({ WORKER_URL: 'http://worker.example', ENVIRONMENT: 'local' })

/**
 * "Decodes" any bytes into patches that repeat their first byte. The fourth byte is the number of crops. An empty or
 * all-zero file is no picture by its header; a second byte of 0 is damage behind the header.
 */
const fakeImages = (decoded: Uint8Array[], onTrim: () => void): ImagePreprocessor => {
  const measure: ImagePreprocessor['measure'] = ([first = 0, , , crops = 0], { panAndScan }) => {
    if (first === 0) throw new AppError('image.malformed', 'Expected a picture, found a zero byte.')
    return { boxes: new Array<number>(panAndScan ? crops : 0).fill(0) }
  }
  return {
    measure,
    async preprocess(bytes, options) {
      decoded.push(bytes)
      const { boxes } = measure(bytes, options)
      if (bytes[1] === 0) throw new AppError('image.malformed', 'Expected a whole picture, found damage.')
      const first = bytes[0] ?? 0
      const crops = await Promise.all(boxes.map((_, index) => tile(first + 100 + index)))
      return { ...(await tile(first)), crops }
    },
    trim: onTrim,
  }
}

async function tile(value: number) {
  const patches = new Uint8Array(PATCH_BYTES).fill(value)
  return { patches, digest: new Uint8Array(await crypto.subtle.digest('SHA-256', patches)) }
}

/** Makes the app of a test. */
export async function createTestApp({
  config = {},
  model = {},
  fetchImage = noNetwork,
  responses,
  files,
}: TestAppOptions = {}): Promise<TestApp> {
  const worker = await createFakeWorker(model)
  const log: LogLine[] = []
  const decoded: Uint8Array[] = []
  const trims: number[] = []
  const clock: TestClock = { nowMs: () => Date.now() }
  const nowMs = () => clock.nowMs()
  const keys = createMemoryKeyBook(nowMs)
  const kept = files ?? createMemoryFiles(nowMs)
  const batches = createMemoryBatches(nowMs)
  const insiders: Insiders = new WeakMap()
  const app = createApp({
    config: { ...LOCAL, ...config },
    fetchWorker: worker.fetch,
    fetchImage,
    images: fakeImages(decoded, () => trims.push(worker.calls.length)),
    responses: responses ?? memoryResponseStore({ nowMs }),
    files: kept,
    batches,
    insiders,
    log: (line) => log.push(line),
    keys,
    replies: createMemoryReplyShelf(nowMs),
    nowMs,
  })
  const request = async (path: string, init?: RequestInit) => app.request(path, init)
  const fetchApp = async (inside: Request) => app.fetch(inside)
  const consume = createBatchConsumer({
    batches,
    files: kept,
    keys,
    insiders,
    fetchApp,
    log: (entry) => log.push(entry),
    nowMs,
  })
  return {
    worker,
    log,
    batches,
    consume,
    keys,
    routes: app.routes.map(({ path }) => path),
    handlers: app.routes.map(({ method, path }) => ({ method, path })),
    clock,
    decoded,
    trims,
    request,
    chat: (body, init) => {
      const whole = JSON.stringify({ model: TINY_MODEL, ...body })
      return request('/v1/chat/completions', { method: 'POST', body: whole, ...init })
    },
  }
}

function noNetwork(): Promise<Response> {
  return Promise.reject(new Error('a test without a network fetched a picture'))
}
