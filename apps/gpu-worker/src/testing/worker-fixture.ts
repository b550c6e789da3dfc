import { createHash } from 'node:crypto'
import { encodeGenerateRequest, type GenerateRequest, PICTURE_BYTES, WORKER_PATHS } from '@loupe/shared/wire'
import type { Hono } from 'hono'
import { createApp } from '../app.ts'
import { createServedModel } from '../create-served-model.ts'
import type { QueueLimits } from '../engine/fair-queue.ts'
import { ByteBudget } from '../http/byte-budget.ts'
import type { WorkerEnv, WorkerState } from '../http/environment.ts'
import type { ServedModel } from '../served-model.ts'
import { FAKE_IDS, FAKE_SIZES, FakeModel } from './fake-model.ts'

/** A worker round a fake model, without a server. */
export interface WorkerFixture {
  readonly app: Hono<WorkerEnv>
  readonly model: FakeModel
  readonly served: ServedModel
  readonly bodies: ByteBudget
  readonly logged: { readonly event: string; readonly fields: Readonly<Record<string, unknown>> }[]
  setState(state: WorkerState): void
}

export const MODEL_NAME = 'fake'

const MAX_BODY = 8 * 1024 * 1024

/** Bodies in memory at the same time: those of sixteen requests that do not announce their size. */
export const BODY_BUDGET: number = 16 * MAX_BODY

const TOKENIZER = new TextEncoder().encode('a tokenizer artifact')

/** Sizes of a fixture that a test may change. */
export interface FixtureSizes extends Partial<QueueLimits> {
  readonly slots?: number
  readonly chunkTokens?: number
  readonly speculate?: number | 'auto'
}

/** Makes a worker. @param sizes - limits of its queue, and of its batch */
export function createFixture({
  slots = 4,
  chunkTokens = 320,
  speculate = 0,
  ...limits
}: FixtureSizes = {}): WorkerFixture {
  const model = new FakeModel()
  const served = createServedModel({
    name: MODEL_NAME,
    model,
    tokenizer: TOKENIZER,
    textVocabulary: FAKE_IDS.vocab,
    queue: { requests: 8, requestsPerTenant: 8, tokens: 100_000, ...limits },
    slots,
    slotTokens: FAKE_SIZES.context,
    chunkTokens,
    imageCacheBytes: 1_000_000,
    prefixCacheBytes: 1_000_000,
    speculate,
    now: () => performance.now(),
  })
  const logged: WorkerFixture['logged'] = []
  const bodies = new ByteBudget(BODY_BUDGET)
  let state: WorkerState = 'ready'
  const app = createApp({
    models: new Map([[MODEL_NAME, served]]),
    state: () => state,
    log: (_level, event, fields) => logged.push({ event, fields }),
    now: () => performance.now(),
    version: '0.0.0',
    maxRequestBytes: MAX_BODY,
    bodies,
    keepAliveMs: 60_000,
  })
  return {
    app,
    model,
    served,
    bodies,
    logged,
    setState: (next) => {
      state = next
    },
  }
}

/** One picture, all of whose bytes are `value`. */
export function picture(value: number): { patches: Uint8Array; digest: string } {
  const patches = new Uint8Array(PICTURE_BYTES).fill(value)
  return { patches, digest: createHash('sha256').update(patches).digest('hex') }
}

/** Ids of a prompt with places for pictures. @param first - first id, by which a test knows whose prompt it is */
export function prompt(images: number, first: number = FAKE_IDS.bos): Int32Array {
  const run = Array.from({ length: FAKE_SIZES.tokensPerImage }, () => FAKE_IDS.image)
  const places = Array.from({ length: images }, () => [FAKE_IDS.boi, ...run, FAKE_IDS.eoi]).flat()
  return Int32Array.of(first, ...places, 5)
}

/** A request as `Request` of the fetch API takes it; what is left out asks a question without a picture. */
export function question(parts: Partial<GenerateRequest> = {}, signal?: AbortSignal): RequestInit {
  const { headers, body } = encodeGenerateRequest({
    inputIds: prompt(parts.imageDigests?.length ?? 0),
    imageDigests: [],
    patches: [],
    parameters: {},
    ...parts,
  })
  return { method: 'POST', headers, body, ...(signal === undefined ? {} : { signal }) }
}

export const INFER = WORKER_PATHS.infer(MODEL_NAME)
export const STREAM = WORKER_PATHS.generateStream(MODEL_NAME)
