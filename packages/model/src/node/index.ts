export { type CheckpointFiles, checkpointFiles } from './checkpoint-files.ts'
export { embeddedModelDirectory } from './embedded-model.ts'
export { type LoadModelOptions, type LoadPipelineOptions, loadGemma3VL, loadPipeline } from './load-gemma3-vl.ts'
export { type LoadGgufOptions, loadGguf } from './load-gguf.ts'
