import type { SamplerOptions } from '@loupe/model'
import type { ModelMetadata } from '@loupe/shared/wire'
import type { Engine } from './engine/engine.ts'
import type { GrammarPool } from './grammar/grammar-pool.ts'
import type { ImageStore } from './images/image-store.ts'
import type { WorkerMetrics } from './metrics/worker-metrics.ts'

/** A model as the HTTP side sees it. */
export interface ServedModel {
  readonly metadata: ModelMetadata
  /** The compact tokenizer artifact; its SHA-256 is `metadata.parameters.tokenizer_digest`. */
  readonly tokenizer: Uint8Array<ArrayBuffer>
  /** Which ids are never part of an answer. */
  readonly samplerOptions: SamplerOptions
  readonly engine: Engine
  readonly grammars: GrammarPool
  readonly images: ImageStore
  readonly metrics: WorkerMetrics
}
