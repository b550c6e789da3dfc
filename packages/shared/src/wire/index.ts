export {
  decodeGenerateRequest,
  decodeGenerateResponse,
  decodeVisionRequest,
  encodeGenerateRequest,
  encodeGenerateResponse,
  type GenerateRequest,
  type GenerateResponse,
  PICTURE_BYTES,
  patchesTensor,
} from './generate.ts'
export type {
  ChoiceSummary,
  FinishReason,
  GenerateParameters,
  GenerateSummary,
} from './generate-parameters.ts'
export {
  encodeErrorEvent,
  encodeGenerateEvent,
  type GenerateEvent,
  type LikelyToken,
  readGenerateStream,
  type StreamIdentity,
} from './generate-stream.ts'
export type { GenerateGrammar } from './grammar.ts'
export { toHex } from './hex.ts'
export {
  decodeInferRequest,
  decodeInferResponse,
  type EncodedMessage,
  encodeInferRequest,
  encodeInferResponse,
  type InferRequest,
  type InferResponse,
  type OipParameters,
  type OutgoingRequest,
  type ReceivedMessage,
  type TensorEncoding,
} from './infer-codec.ts'
export { checkSchema } from './json-schema/check-schema.ts'
export { eachSchema, type JsonSchema } from './json-schema/each-schema.ts'
export { holdSchema } from './json-schema/hold-schema.ts'
export { MAX_REQUEST_BYTES } from './limits.ts'
export {
  type ModelList,
  type ModelMetadata,
  parseModelList,
  parseModelMetadata,
} from './metadata.ts'
export type { OutgoingTensor, TensorInPieces } from './outgoing-tensor.ts'
export { HEADER_LENGTH_HEADER, REQUEST_ID_HEADER, WORKER_PATHS } from './paths.ts'
export { createSseParser, encodeSseEvent, type SseEvent, type SseParser } from './sse.ts'
export type { OipTensor, OipTensorOf } from './tensor.ts'
