import { basename, resolve } from 'node:path'
import { type Gemma3VLModel, readModelConfig } from '@loupe/model'
import { checkpointFiles, type LoadOptions, loadGemma3VL } from '@loupe/model/node'
import { PICTURE_BYTES } from '@loupe/shared/wire'
import { createServedModel } from './create-served-model.ts'
import { readPanAndScan } from './images/read-pan-and-scan.ts'
import type { Log } from './log.ts'
import { packLog } from './pack-log.ts'
import { startServer, type WorkerServer } from './server.ts'
import { checkTemplate } from './text/check-template.ts'
import { type ModelText, openModelText } from './text/model-text.ts'
import { VERSION } from './version.ts'

/** What a worker serves, and where. */
export interface StartWorkerOptions {
  /** A directory in Hugging Face layout, or a GGUF language model. */
  readonly modelPath: string
  /** How to load it. */
  readonly load?: Omit<LoadOptions, 'onProgress' | 'signal'> | undefined
  /** Write prompts with this template, whatever the checkpoint brings. By default its own must come to the same. */
  readonly chatTemplate?: 'gemma3' | undefined
  /** Name in addresses; by default that of the directory, or of the file without `.gguf`. */
  readonly modelName?: string | undefined
  readonly host: string
  /** 0 takes a free port. */
  readonly port: number
  /** Requests that may wait. */
  readonly maxWaiting: number
  /** Sequences that run at the same time. */
  readonly slots: number
  /** The longest that a sequence may become, prompt and answer together. */
  readonly slotTokens: number
  /** Most tokens of prompts that one step computes. */
  readonly chunkTokens: number
  readonly imageCacheBytes: number
  readonly prefixCacheBytes: number
  readonly speculate?: number | 'auto' | undefined
  readonly drainMs: number
  readonly log: Log
  /** Told how far the packing of weights is; by default the log is. */
  readonly onProgress?: LoadOptions['onProgress']
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
  const { modelPath, log, signal } = options
  const name = options.modelName ?? basename(resolve(modelPath)).replace(/\.gguf$/i, '')
  const text = await openModelText(modelPath)
  await checkPrompts(text, options)
  const panAndScan = text.layout === 'directory' && (await readPanAndScan(modelPath))
  const model = await loadGemma3VL(modelPath, {
    ...options.load,
    onProgress: options.onProgress ?? packLog(log),
    signal,
  })
  const { artifact, tokenizer } = text
  try {
    await warmUp(model, signal)
    const served = createServedModel({
      ...options,
      name,
      model,
      tokenizer: new Uint8Array(artifact),
      textVocabulary: tokenizer.vocabSize,
      panAndScan,
      queue: {
        requests: options.maxWaiting,
        requestsPerTenant: Math.ceil(options.maxWaiting / 2),
        tokens: MAX_WAITING_TOKENS,
      },
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

/** Packing may take minutes, so a template that does not fit is found before. */
async function checkPrompts(text: ModelText, { chatTemplate, modelPath, load, log, signal }: StartWorkerOptions) {
  if (chatTemplate !== undefined) return
  if (text.template !== undefined) {
    const withImages = text.layout === 'gguf' ? load?.mmproj !== undefined : await hasVision(modelPath)
    await checkTemplate(text.template, { tokenizer: text.tokenizer, withImages, signal })
    return
  }
  log('warn', 'chat_template.missing', { detail: `${modelPath} brings no chat template; Gemma 3's is used.` })
}

async function hasVision(directory: string): Promise<boolean> {
  const { config } = await readModelConfig(await checkpointFiles(directory))
  return config.vision !== undefined
}
