/// <reference lib="esnext.disposable" preserve="true" /> -- for the types of whoever imports this
export { type BoundWeight, type BoundWeights, bindWeights } from './gemma3/bind-weights.ts'
export {
  type Gemma3Config,
  type LayerType,
  parseGemma3Config,
  type RotaryConfig,
  type TextConfig,
  type VisionConfig,
} from './gemma3/config.ts'
export { type ModelConfig, readModelConfig } from './gemma3/config-files.ts'
export type { DTypePolicy, FloatType } from './gemma3/dtype-policy.ts'
export { type GenerationConfig, parseGenerationConfig } from './gemma3/generation-config.ts'
export { type GgufModel, type GgufSource, type GgufWeight, openGgufModel, readGgufWeight } from './gemma3/gguf-model.ts'
export { type AttentionGrids, attentionGrids, imageBlocks } from './gemma3/mask.ts'
export { canonicalName, expectedTensors } from './gemma3/names.ts'
export type { BlockWeight, ColumnWeight, FloatWeight, StoredWeight, TensorSource } from './gemma3/parameters.ts'
export type { ProjectorSizes } from './gemma3/projector.ts'
export type { Stage, VocabularyShard } from './gemma3/stage.ts'
export type { FreezablePart } from './gemma3/trainable.ts'
export { answerIds } from './generate/answer-ids.ts'
export { type Candidates, type FilterSettings, filterTokens } from './generate/filters.ts'
export type { TokenLogprob } from './generate/log-probability.ts'
export { type LogitRow, readLogitRow } from './generate/logit-row.ts'
export { createSampler, type SampledToken, type Sampler, type SamplerOptions } from './generate/sampler.ts'
export type { SamplingParams } from './generate/sampling-params.ts'
export { createStopCheck, type FinishReason, type StopRule, type StopVerdict } from './generate/stop.ts'
export type { TokenConstraint } from './generate/token-constraint.ts'
export type { BlockActivations, BlockMatrix } from './graph/block-matrix.ts'
export type { ColumnMatrix } from './graph/column-matrix.ts'
export type { FileSlice } from './graph/file-slice.ts'
export type { Floats } from './graph/floats.ts'
export type { FileTensor } from './graph/graph.ts'
export type {
  Device,
  DType,
  HostTensor,
  IoInfo,
  LoadOptions as RuntimeLoadOptions,
  RunOptions,
  Runtime,
  RuntimeBinding,
  RuntimeSession,
  RuntimeTensor,
  TensorData,
} from './graph/runtime.ts'
export type { ForwardRequest, ForwardResult } from './pipeline/forward-request.ts'
export { Gemma3VLModel, type MaskOptions } from './pipeline/gemma3-vl-model.ts'
export type { GenerateRequest } from './pipeline/generate-ids.ts'
export type { LanguageModel } from './pipeline/language-model.ts'
export { REWIND_TOKENS } from './pipeline/local-room.ts'
export {
  estimateMemory,
  type HeldForm,
  type MemoryEstimate,
  type MemoryRequest,
  type PartWeights,
} from './pipeline/memory-estimate.ts'
export type { ComputePolicy, ModelParts, WeightsPart } from './pipeline/model-parts.ts'
export {
  Gemma3VLMultimodalProjector,
  Gemma3VLMultimodalProjectorConfig,
  type ProjectorParts,
} from './pipeline/multimodal-projector.ts'
export type { Pictures } from './pipeline/picture-features.ts'
export { Pipeline } from './pipeline/pipeline.ts'
export type { Pixels } from './pipeline/pixels.ts'
export { promptOptions } from './pipeline/prompt-options.ts'
export type { SavedSequence, SavedTokens } from './pipeline/saved-tokens.ts'
export type { Sequence } from './pipeline/sequence.ts'
export type { PoolSize, PrefillOptions, SequencePool, StepOptions } from './pipeline/sequence-pool.ts'
export { type LayerSplit, type ModelSplit, splitLayers, splitModel } from './pipeline/split-layers.ts'
export type { LossTerms } from './pipeline/token-loss.ts'
export type { ImageStates, VisionModel } from './pipeline/vision-model.ts'
export type { HeldWeight, Memory } from './pipeline/weight-memory.ts'
export { type Checkpoint, type FileReader, openCheckpoint, type TensorLocation } from './weights/checkpoint.ts'
export { ELEMENT_BYTES, elementsOf, type FloatDType, type StoredDType } from './weights/dtype.ts'
export { type GgufFile, openGguf } from './weights/gguf.ts'
export type { GgufArray, GgufMetadata, GgufValue, NumberArray } from './weights/gguf-metadata.ts'
export { type ElementRange, readGgufTensor } from './weights/gguf-tensor.ts'
export { type BlockFormat, GGUF_TYPES, type GgufDType, type GgufTensor } from './weights/gguf-types.ts'
export { decodeSafetensors, type StoredTensor, type TensorEntry } from './weights/safetensors.ts'
export { type EncodableTensor, encodeSafetensors } from './weights/safetensors-encode.ts'
export { isWeightDType, WEIGHT_DTYPES, type WeightDType } from './weights/weight-dtype.ts'
