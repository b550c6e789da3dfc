/// <reference lib="esnext.disposable" preserve="true" /> -- for the types of whoever imports this
export { type CacheEntry, listCacheEntries, removeAbandonedDrafts, removeCacheEntry } from './cache-entries.ts'
export { defaultCacheDirectory } from './cache-layout.ts'
export { type CheckpointFiles, checkpointFiles } from './checkpoint-files.ts'
export { embeddedModelDirectory } from './embedded-model.ts'
export { loadImageCodecs } from './image-codecs.ts'
export { loadGemma3VL, loadPipeline } from './load-gemma3-vl.ts'
export type {
  LoadModelOptions,
  LoadOptions,
  LoadPipelineOptions,
  ModelPart,
  PackProgress,
  StageDevice,
} from './load-options.ts'
export { makeDirectory } from './make-directory.ts'
export type { SourceWeight } from './model-source.ts'
export { openTokenizer, readTokenizer, type TokenizerFiles } from './open-tokenizer.ts'
export { type ModelPlan, type PlanOptions, planModel } from './plan-model.ts'
export { readPicture } from './read-picture.ts'
