import { createHash } from 'node:crypto'
import { answerIds, type Gemma3Config, type GenerationConfig } from '@loupe/model'
import { AppError } from '@loupe/shared/errors'
import type { ModelMetadata } from '@loupe/shared/wire'
import { BatchEngine } from './engine/batch-engine.ts'
import type { QueueLimits } from './engine/fair-queue.ts'
import type { GenerativeModel, ModelPool } from './engine/model.ts'
import { GrammarPool } from './grammar/grammar-pool.ts'
import { ImageStore } from './images/image-store.ts'
import { createWorkerMetrics, type WorkerMetrics } from './metrics/worker-metrics.ts'
import { blockTokens, PrefixBlocks } from './prefix/prefix-blocks.ts'
import type { ServedModel } from './served-model.ts'
import { PromptSpeculator } from './speculate/prompt-speculator.ts'

/** A loaded model and how to serve it. */
export interface ServedModelOptions {
  readonly name: string
  readonly model: GenerativeModel & { readonly config: Gemma3Config; readonly generationConfig: GenerationConfig }
  /** The compact tokenizer artifact. */
  readonly tokenizer: Uint8Array<ArrayBuffer>
  /** Ids that the tokenizer can write; the embedding table may have more rows. */
  readonly textVocabulary: number
  readonly queue: QueueLimits
  /** Whether it was made to see elongated pictures in crops as well. Default false. */
  readonly panAndScan?: boolean
  /** Sequences that run at the same time. */
  readonly slots: number
  /** The longest that a sequence may become, prompt and answer together; never more than the model's context. */
  readonly slotTokens: number
  /** Most tokens of prompts that one step of the engine computes. */
  readonly chunkTokens: number
  /** Image features kept beyond the requests that use them. */
  readonly imageCacheBytes: number
  /** Keys and values of earlier prompts and answers kept for those that begin like them; 0 keeps none. */
  readonly prefixCacheBytes: number
  /** Tokens that are guessed for an answer that is alone; `auto`: as many as pay; 0, the default: none. */
  readonly speculate?: number | 'auto' | undefined
  /** A clock in milliseconds. */
  readonly now: () => number
}

/** An answer's length when the request does not say. */
const DEFAULT_MAX_TOKENS = 1024

/** Sides of a picture and of a patch in the protocol, pixels: 4096 patches of 588 bytes. */
const IMAGE_SIZE = 896
const PATCH_SIZE = 14

/** Inputs that a text-only model has not. */
const PICTURES: ModelMetadata['inputs'] = [
  { name: 'image_digests', datatype: 'BYTES', shape: [-1] },
  { name: 'patches', datatype: 'UINT8', shape: [-1, 4096, 588] },
]

/**
 * Puts engine, image store and metrics round a model.
 *
 * @throws AppError `config.invalid` when the pictures of the model have another geometry than those of the protocol
 */
export function createServedModel(options: ServedModelOptions): ServedModel {
  const { model, now, chunkTokens } = options
  checkGeometry(model.config)
  const metrics = createWorkerMetrics(options.name, () => engine.load)
  const pool = openPool(options)
  const engine = new BatchEngine({
    pool,
    imageTokenId: model.config.imageTokenId,
    limits: options.queue,
    chunkTokens,
    speculator: promptSpeculator(options, metrics),
    prefixes: pool.isMovable ? prefixBlocks(options, metrics) : undefined,
    monitor: metrics.engine,
    now,
  })
  const images = new ImageStore({
    capacityBytes: options.imageCacheBytes,
    encode: async (patches, signal) => {
      const startedMs = now()
      metrics.visionPasses.add()
      const features = await model.getImageFeatures(patches, { signal })
      metrics.visionPassTime.observe((now() - startedMs) / 1000)
      return features
    },
    onQuery: (isHit) => {
      metrics.imageQueries.add()
      if (isHit) metrics.imageHits.add()
    },
  })
  metrics.registry.gauge('loupe:image_cache_bytes', 'Features kept of earlier pictures.', () => images.bytes)
  return {
    metadata: metadataOf(options),
    tokenizer: options.tokenizer,
    samplerOptions: answerIds(model.config, options.textVocabulary),
    engine,
    grammars: new GrammarPool({
      tokenizer: options.tokenizer,
      textVocabulary: options.textVocabulary,
      eosTokenIds: model.generationConfig.eosTokenIds,
    }),
    images,
    metrics,
  }
}

/** A cache of prefixes, unless it would hold nothing. */
function prefixBlocks(options: ServedModelOptions, metrics: WorkerMetrics): PrefixBlocks | undefined {
  const { model, prefixCacheBytes: capacityBytes } = options
  if (capacityBytes === 0) return undefined
  const blocks = new PrefixBlocks({
    capacityBytes,
    blockTokens: blockTokens(model.config.text.slidingWindow),
    imageTokenId: model.config.imageTokenId,
    onQuery: (queries, hits) => {
      metrics.prefixQueries.add(queries)
      metrics.prefixHits.add(hits)
    },
  })
  metrics.registry.gauge('loupe:prefix_cache_bytes', 'Keys and values kept of earlier prompts.', () => blocks.bytes)
  return blocks
}

function promptSpeculator({ speculate = 0 }: ServedModelOptions, metrics: WorkerMetrics): PromptSpeculator | undefined {
  if (speculate === 0) return undefined
  return new PromptSpeculator({
    tokens: speculate,
    onJudged: (drafted, accepted) => {
      metrics.drafts.add()
      metrics.draftTokens.add(drafted)
      metrics.acceptedTokens.add(accepted)
    },
  })
}

function checkGeometry({ vision }: Gemma3Config): void {
  if (vision === undefined || (vision.imageSize === IMAGE_SIZE && vision.patchSize === PATCH_SIZE)) return
  const found = `${vision.imageSize} and ${vision.patchSize}`
  throw new AppError(
    'config.invalid',
    `vision_config: expected image_size ${IMAGE_SIZE} and patch_size ${PATCH_SIZE}, found ${found}.`,
  )
}

function openPool({ model, slots, ...options }: ServedModelOptions): ModelPool {
  const capacityTokens = servedTokens({ model, ...options })
  return model.openPool({ slots, capacityTokens, partTokens: Math.min(options.chunkTokens, capacityTokens) })
}

/** What a request may have of the model's context. */
function servedTokens({ model, slotTokens }: Pick<ServedModelOptions, 'model' | 'slotTokens'>): number {
  return Math.min(slotTokens, model.config.text.contextTokens)
}

function metadataOf(options: ServedModelOptions): ModelMetadata {
  const { name, model, tokenizer } = options
  const { config, generationConfig } = model
  return {
    name,
    versions: ['1'],
    platform: 'loupe_onnxruntime',
    inputs: [{ name: 'input_ids', datatype: 'INT32', shape: [-1] }, ...(config.vision === undefined ? [] : PICTURES)],
    outputs: [
      { name: 'output_ids', datatype: 'INT32', shape: [-1] },
      { name: 'logprobs', datatype: 'FP32', shape: [-1] },
      { name: 'top_ids', datatype: 'INT32', shape: [-1, -1] },
      { name: 'top_logprobs', datatype: 'FP32', shape: [-1, -1] },
    ],
    parameters: {
      context_length: servedTokens(options),
      vocab_size: config.text.vocabSize,
      image_token_id: config.imageTokenId,
      boi_token_id: config.boiTokenId,
      eoi_token_id: config.eoiTokenId,
      tokens_per_image: config.tokensPerImage,
      bos_token_id: config.bosTokenId,
      eos_token_ids: [...generationConfig.eosTokenIds],
      chat_template: 'gemma3',
      generation_defaults: {
        temperature: generationConfig.doSample ? generationConfig.temperature : 0,
        top_k: generationConfig.topK,
        top_p: generationConfig.topP,
        max_tokens: DEFAULT_MAX_TOKENS,
      },
      tokenizer_digest: createHash('sha256').update(tokenizer).digest('hex'),
      image_size: config.vision?.imageSize ?? 0,
      patch_size: config.vision?.patchSize ?? 0,
      has_vision: config.vision !== undefined,
      do_pan_and_scan: config.vision !== undefined && options.panAndScan === true,
    },
  }
}
