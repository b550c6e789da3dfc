import type { Stage } from '../gemma3/stage.ts'
import type { Device } from '../graph/runtime.ts'
import type { ModelSplit } from '../pipeline/split-layers.ts'
import type { OrtRuntimeOptions } from '../runtime/index.ts'
import type { WeightDType } from '../weights/weight-dtype.ts'

/** What a part of a model is: the language model, or the vision tower with the projector. */
export type ModelPart = 'language' | 'vision'

/** How far the packing of a part is. */
export interface PackProgress {
  /** The part that is being packed. */
  readonly part: ModelPart
  /** `read` looks at the checkpoint for changes, `pack` rewrites its weights. */
  readonly step: 'read' | 'pack'
  /** Of this step. */
  readonly doneBytes: number
  /** Of this step; known from its start. */
  readonly totalBytes: number
}

/** What every way to load a model takes. */
export interface LoadOptions {
  /** `cpu` by default. */
  readonly device?: Device
  /**
   * How the weights of a part are held in memory. By default as they are stored: blocks of a GGUF as blocks, and floats
   * as float32. What is stored otherwise is rewritten once, into the weight cache. `int8` is blocks of 32 weights with a
   * scale each; for the vision tower on a CPU it is columns with one scale each, which are twice as fast for 4,096 rows.
   */
  readonly dtype?: Partial<Record<ModelPart, WeightDType>>
  /** Path of the vision tower and projector that belong to a GGUF language model. Without it the model is text-only. */
  readonly mmproj?: string
  /** Where rewritten weights are kept: `$LOUPE_CACHE`, else `$XDG_CACHE_HOME/loupe`, else `~/.cache/loupe`. */
  readonly cacheDirectory?: string
  /**
   * In what blocks are multiplied: with 8-bit activations, which is quicker and the default, or exactly. Columns take 8
   * bits only, so with `float32` an `int8` vision tower is held in blocks.
   */
  readonly activations?: 'int8' | 'float32'
  /** Threads of one run; one for each physical core by default. */
  readonly threads?: number
  /** Called while weights are rewritten, often. */
  readonly onProgress?: (progress: PackProgress) => void
  /** Ends the load early with `request.cancelled`. */
  readonly signal?: AbortSignal
}

/** Options of {@link loadGemma3VL}. */
export interface LoadModelOptions extends LoadOptions {
  /** One of {@link splitLayers}; the whole model by default. */
  readonly stage?: Stage
}

/** Options of {@link loadPipeline}. */
export interface LoadPipelineOptions extends LoadOptions, ModelSplit {
  /**
   * What computes, in place of `device` and `threads`: at least as many as `stages`. The virtual stages of a device share
   * it; the shards of a head are on all of them in turn.
   */
  readonly devices?: readonly StageDevice[]
}

/** One of the devices of a pipeline. */
export type StageDevice = Pick<OrtRuntimeOptions, 'device' | 'deviceOptions' | 'threads'>
