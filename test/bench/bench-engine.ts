import { createHash } from 'node:crypto'
import { createServedModel } from '@loupe/gpu-worker/src/create-served-model.ts'
import type { EngineEvent } from '@loupe/gpu-worker/src/engine/engine.ts'
import type { ServedModel } from '@loupe/gpu-worker/src/served-model.ts'
import { createSampler, type Gemma3VLModel } from '@loupe/model'
import { PICTURE_BYTES } from '@loupe/shared/wire'

const CACHE_BYTES = 512 * 1024 * 1024

/** How a served model of a bench is limited. */
export interface ServedLimits {
  readonly slots: number
  readonly slotTokens: number
  readonly prefixCacheBytes?: number
}

/** A loaded model as a worker would serve it, without its text. The caller disposes the model, and closes the engine. */
export function serveModel(name: string, model: Gemma3VLModel, limits: ServedLimits): ServedModel {
  return createServedModel({
    prefixCacheBytes: CACHE_BYTES,
    ...limits,
    name,
    // What a worker does, with a clock of its own; a class has its methods on its prototype.
    model,
    tokenizer: new Uint8Array(),
    textVocabulary: model.config.text.vocabSize,
    queue: { requests: 256, requestsPerTenant: 256, tokens: 1e7 },
    chunkTokens: 320,
    imageCacheBytes: CACHE_BYTES,
    now: () => performance.now(),
  })
}

/** What is asked of an engine. */
export interface EngineQuestion {
  readonly inputIds: readonly number[]
  readonly pictures?: readonly Uint8Array[]
  readonly maxTokens?: number
  /** Called for every token. */
  readonly onToken?: () => void
}

/** When each token of an answer came, and how much of the prompt was not computed again. */
export interface EngineAnswer {
  /** Milliseconds since the question. */
  readonly tokensMs: readonly number[]
  readonly cachedTokens: number
}

/** Asks an engine, greedily and on past the end tokens. */
export async function askEngine(served: ServedModel, question: EngineQuestion): Promise<EngineAnswer> {
  const { inputIds, pictures = [], maxTokens = 1, onToken } = question
  const digests = pictures.map((patches) => createHash('sha256').update(patches).digest('hex'))
  const startedMs = performance.now()
  const job = {
    tenant: '',
    priority: 0,
    timeoutMs: undefined,
    inputIds: Int32Array.from(inputIds),
    images: served.images.claim('', digests, pictures),
    samplers: [createSampler({ temperature: 0, topK: 0, topP: 1, seed: 0 })],
    stop: { eosTokenIds: [], maxTokens },
    observer: {
      event: ({ type }: EngineEvent) => {
        if (type === 'token') onToken?.()
      },
      settled: () => {},
    },
  }
  const tokensMs: number[] = []
  let cachedTokens = 0
  for await (const event of served.engine.generate(job, new AbortController().signal)) {
    if (event.type === 'token') tokensMs.push(performance.now() - startedMs)
    if (event.type === 'done') cachedTokens = event.cachedTokens
  }
  return { tokensMs, cachedTokens }
}

/** Patches of a smooth picture with noise; another seed, another picture. */
export function benchPicture(seed: number): Uint8Array {
  return Uint8Array.from({ length: PICTURE_BYTES }, (_, index) => {
    const [patch, sample] = [Math.floor(index / 588), index % 588]
    const [y, x] = [(patch >> 6) * 14 + Math.floor(sample / 42), (patch & 63) * 14 + (Math.floor(sample / 3) % 14)]
    const noise = (Math.imul(index + seed, 2_654_435_761) >>> 24) / 8 - 16
    return 128 + 100 * Math.sin(x / 40 + seed + (index % 3)) * Math.cos(y / 60) + noise
  })
}
