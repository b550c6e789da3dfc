import { basename, resolve } from 'node:path'
import type { Gemma3VLModel } from '@loupe/model'
import { loadGemma3VL } from '@loupe/model/node'
import { PICTURE_BYTES } from '@loupe/shared/wire'
import { createServedModel } from './create-served-model.ts'
import type { Log } from './log.ts'
import { startServer, type WorkerServer } from './server.ts'
import { openTokenizer } from './tokenizer-files.ts'
import { VERSION } from './version.ts'

/** What a worker serves, and where. */
export interface StartWorkerOptions {
  readonly modelDirectory: string
  /** Name in addresses; the directory's own by default. */
  readonly modelName?: string | undefined
  readonly host: string
  /** 0 takes a free port. */
  readonly port: number
  /** Threads of one run; the runtime's choice by default. */
  readonly threads?: number | undefined
  /** Requests that may wait. */
  readonly maxWaiting: number
  readonly imageCacheBytes: number
  readonly drainMs: number
  readonly log: Log
  /** Gives up starting. */
  readonly signal: AbortSignal
}

/** A running worker. */
export interface RunningWorker extends WorkerServer {
  readonly modelName: string
}

/** Bound of the waiting work: the longest context of Gemma 3. Its pictures would take 1.2 GB. */
const MAX_WAITING_TOKENS = 131_072

/**
 * Loads a model and serves it. It listens only when the model has answered once: the first client finds it warm.
 *
 * @throws AppError `config.invalid`, `weights.invalid`, `tokenizer.invalid`, or `worker.unavailable` when the address is
 *   taken
 */
export async function startWorker(options: StartWorkerOptions): Promise<RunningWorker> {
  const { modelDirectory, threads, signal } = options
  const name = options.modelName ?? basename(resolve(modelDirectory))
  const { artifact, tokenizer } = await openTokenizer(modelDirectory)
  const model = await loadGemma3VL(modelDirectory, { signal, ...(threads === undefined ? {} : { threads }) })
  try {
    await warmUp(model, signal)
    const served = createServedModel({
      name,
      model,
      tokenizer: new Uint8Array(artifact),
      textVocabulary: tokenizer.vocabSize,
      queue: {
        requests: options.maxWaiting,
        requestsPerTenant: Math.ceil(options.maxWaiting / 2),
        tokens: MAX_WAITING_TOKENS,
      },
      imageCacheBytes: options.imageCacheBytes,
      now: () => performance.now(),
    })
    const server = await startServer({ ...options, models: [served], version: VERSION })
    const close = () => server.close().finally(() => model[Symbol.dispose]())
    return { url: server.url, modelName: name, close }
  } catch (error) {
    model[Symbol.dispose]()
    throw error
  }
}

/** Loads every part of the model by using it once. */
async function warmUp(model: Gemma3VLModel, signal: AbortSignal): Promise<void> {
  if (model.config.vision !== undefined) await model.getImageFeatures(new Uint8Array(PICTURE_BYTES), { signal })
  using sequence = model.startSequence({ capacityTokens: 2 })
  await sequence.prefill(Int32Array.of(model.config.bosTokenId), [], { signal })
}
