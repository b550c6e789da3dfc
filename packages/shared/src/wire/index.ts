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
export {
  type FinishReason,
  type GenerateParameters,
  type GenerateSummary,
  generateParameters,
  generateSummary,
} from './generate-parameters.ts'
export {
  decodeGenerateEvent,
  encodeErrorEvent,
  encodeGenerateEvent,
  type GenerateEvent,
  readGenerateStream,
  type StreamIdentity,
} from './generate-stream.ts'
export { fromHex, toHex } from './hex.ts'
export {
  decodeInferRequest,
  decodeInferResponse,
  type EncodedMessage,
  encodeInferRequest,
  encodeInferResponse,
  type InferRequest,
  type InferResponse,
  type OipParameters,
  type ReceivedMessage,
  type TensorEncoding,
} from './infer-codec.ts'
export { MAX_REQUEST_BYTES, WIRE_LIMITS } from './limits.ts'
export {
  type ModelList,
  type ModelMetadata,
  modelList,
  modelMetadata,
  parseModelList,
  parseModelMetadata,
} from './metadata.ts'
export { HEADER_LENGTH_HEADER, REQUEST_ID_HEADER, WORKER_PATHS } from './paths.ts'
export { createSseParser, encodeSseEvent, type SseEvent, type SseParser } from './sse.ts'
export type { OipDatatype, OipTensor, TensorHeader } from './tensor.ts'
