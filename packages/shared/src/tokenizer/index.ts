export { type ArtifactOptions, buildTokenizerArtifact } from './build-artifact.ts'
export { buildGgufTokenizerArtifact } from './build-gguf-artifact.ts'
export type { StreamDecoder } from './text-decoder.ts'
export { type DecodeOptions, type EncodeOptions, loadTokenizer, type Tokenizer } from './tokenizer.ts'
