import { AppError } from '@loupe/shared/errors'
import { loadTokenizer, type Tokenizer } from '@loupe/shared/tokenizer'
import { type ModelMetadata, toHex } from '@loupe/shared/wire'
import type { WorkerClient } from './worker-client.ts'

/** A model that the worker serves, and how its text is read and written. */
export interface ServedModel {
  readonly metadata: ModelMetadata
  readonly tokenizer: Tokenizer
}

/** What is known of the worker's models. */
export interface ModelCatalog {
  /** @throws AppError `model.unknown`, `worker.unavailable` */
  describe(name: string, signal: AbortSignal): Promise<ModelMetadata>
  describeAll(signal: AbortSignal): Promise<ModelMetadata[]>
  /** The model with its tokenizer, which is fetched once for each digest. */
  open(name: string, signal: AbortSignal): Promise<ServedModel>
  /** Asks again the next time: what is remembered may be of a worker that is gone. */
  forget(name: string): void
}

/** What the catalog works with. */
export interface ModelCatalogOptions {
  readonly worker: WorkerClient
  readonly nowMs: () => number
  readonly ttlMs: number
}

/** Tokenizers kept: each takes about 15 MB at Gemma's full vocabulary. */
const MAX_TOKENIZERS = 2

/**
 * Remembers metadata for a short time and tokenizers by their digest. Only finished results are kept, never promises: a
 * promise that was made for one request must not be awaited by another in a Worker.
 */
export function createModelCatalog({ worker, nowMs, ttlMs }: ModelCatalogOptions): ModelCatalog {
  const known = new Map<string, { readonly metadata: ModelMetadata; readonly untilMs: number }>()
  const tokenizers = new Map<string, Tokenizer>()

  async function describe(name: string, signal: AbortSignal): Promise<ModelMetadata> {
    const entry = known.get(name)
    if (entry !== undefined && nowMs() < entry.untilMs) return entry.metadata
    if (isPathStep(name)) throw unknownModel(name)
    known.delete(name)
    const metadata = await worker.metadata(name, signal).catch((error: unknown) => {
      throw AppError.isInstance(error) && error.code === 'model.unknown' ? unknownModel(name) : error
    })
    known.set(name, { metadata, untilMs: nowMs() + ttlMs })
    return metadata
  }

  async function tokenizerOf(metadata: ModelMetadata, signal: AbortSignal): Promise<Tokenizer> {
    const digest = metadata.parameters.tokenizer_digest
    const held = tokenizers.get(digest)
    if (held !== undefined) return held
    const artifact = await worker.tokenizer(metadata.name, signal)
    const found = toHex(new Uint8Array(await crypto.subtle.digest('SHA-256', new Uint8Array(artifact))))
    if (found !== digest) {
      known.delete(metadata.name) // another worker may have come: the next request asks it
      throw new AppError('worker.lost', `Expected the tokenizer ${digest}, found ${found}.`)
    }
    const tokenizer = loadTokenizer(artifact)
    const oldest = tokenizers.keys().next()
    if (tokenizers.size >= MAX_TOKENIZERS && oldest.done !== true) tokenizers.delete(oldest.value)
    tokenizers.set(digest, tokenizer)
    return tokenizer
  }

  return {
    describe,
    async describeAll(signal) {
      const { models } = await worker.listModels(signal)
      return Promise.all(models.map(({ name }) => describe(name, signal)))
    },
    async open(name, signal) {
      const metadata = await describe(name, signal)
      return { metadata, tokenizer: await tokenizerOf(metadata, signal) }
    },
    forget(name) {
      known.delete(name)
    },
  }
}

/** `.` and `..` are steps in a path and not names, however they are escaped. */
function isPathStep(name: string): boolean {
  return /^\.{1,2}$/.test(name)
}

function unknownModel(name: string): AppError {
  const shown = name.length > 128 ? `${name.slice(0, 128)}...` : name
  return new AppError(
    'model.unknown',
    `The model "${shown}" is not served here. GET /v1/models lists those that are.`,
    {
      param: 'model',
    },
  )
}
