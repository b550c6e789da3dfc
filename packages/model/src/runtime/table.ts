/**
 * The functions of ONNX Runtime's C API that Loupe calls, by their slot in `struct OrtApi`.
 *
 * The struct only ever grows at its end, so a slot is as stable as a symbol name. `table.test.ts` derives each slot again
 * from the order of the struct's declaration.
 *
 * @see onnxruntime/core/session/onnxruntime_c_api.cc of microsoft/onnxruntime, initialiser `ort_api_1_to_25`
 */

/** The oldest API version that has every function below; any newer library provides it too. */
export const API_VERSION = 22

/** How an argument travels. `pointer`: an address, or the memory of a typed array. `size`: a `size_t`. */
export type ArgumentKind = 'pointer' | 'string' | 'strings' | 'int' | 'size' | 'bool'

type Row = readonly [slot: number, ...takes: ArgumentKind[]]

/** Functions that return a status and nothing else. */
export const ACTIONS = {
  SetSessionExecutionMode: [13, 'pointer', 'int'],
  DisableMemPattern: [17, 'pointer'],
  SetSessionLogSeverityLevel: [22, 'pointer', 'int'],
  SetSessionGraphOptimizationLevel: [23, 'pointer', 'int'],
  SetIntraOpNumThreads: [24, 'pointer', 'int'],
  SetInterOpNumThreads: [25, 'pointer', 'int'],
  RunOptionsSetTerminate: [46, 'pointer'],
  GetDimensions: [62, 'pointer', 'pointer', 'size'],
  GetSymbolicDimensions: [63, 'pointer', 'pointer', 'size'],
  AllocatorFree: [76, 'pointer', 'pointer'],
  AddSessionConfigEntry: [130, 'pointer', 'string', 'string'],
  RunWithBinding: [133, 'pointer', 'pointer', 'pointer'],
  BindInput: [136, 'pointer', 'string', 'pointer'],
  BindOutput: [137, 'pointer', 'string', 'pointer'],
  BindOutputToDevice: [138, 'pointer', 'string', 'pointer'],
  GetBoundOutputValues: [140, 'pointer', 'pointer', 'pointer', 'pointer'],
  AddRunConfigEntry: [165, 'pointer', 'string', 'string'],
  SessionOptionsAppendExecutionProvider_CUDA_V2: [204, 'pointer', 'pointer'],
  UpdateCUDAProviderOptions: [206, 'pointer', 'strings', 'strings', 'size'],
  SessionOptionsAppendExecutionProvider: [216, 'pointer', 'string', 'strings', 'strings', 'size'],
  SessionOptionsSetLoadCancellationFlag: [293, 'pointer', 'bool'],
} as const satisfies Record<string, Row>

/** Functions that return a status and write one pointer or number through a last argument, which is not listed. */
export const GETTERS = {
  CreateEnv: [3, 'int', 'string'],
  CreateSessionFromArray: [8, 'pointer', 'pointer', 'size', 'pointer'],
  CreateSessionOptions: [10],
  SessionGetInputCount: [30, 'pointer'],
  SessionGetOutputCount: [31, 'pointer'],
  SessionGetInputTypeInfo: [33, 'pointer', 'size'],
  SessionGetOutputTypeInfo: [34, 'pointer', 'size'],
  SessionGetInputName: [36, 'pointer', 'size', 'pointer'],
  SessionGetOutputName: [37, 'pointer', 'size', 'pointer'],
  CreateRunOptions: [39],
  CreateTensorAsOrtValue: [48, 'pointer', 'pointer', 'size', 'int'],
  CreateTensorWithDataAsOrtValue: [49, 'pointer', 'pointer', 'size', 'pointer', 'size', 'int'],
  GetTensorMutableData: [51, 'pointer'],
  CastTypeInfoToTensorInfo: [55, 'pointer'],
  GetTensorElementType: [60, 'pointer'],
  GetDimensionsCount: [61, 'pointer'],
  GetTensorTypeAndShape: [65, 'pointer'],
  CreateMemoryInfo: [68, 'string', 'int', 'int', 'int'],
  CreateCpuMemoryInfo: [69, 'int', 'int'],
  GetAllocatorWithDefaultOptions: [78],
  CreateAllocator: [131, 'pointer', 'pointer'],
  CreateIoBinding: [134, 'pointer'],
  CreateCUDAProviderOptions: [205],
} as const satisfies Record<string, Row>

/** Functions that free one object and cannot fail. */
export const RELEASES = {
  ReleaseStatus: [93, 'pointer'],
  ReleaseSession: [95, 'pointer'],
  ReleaseMemoryInfo: [94, 'pointer'],
  ReleaseValue: [96, 'pointer'],
  ReleaseRunOptions: [97, 'pointer'],
  ReleaseTypeInfo: [98, 'pointer'],
  ReleaseTensorTypeAndShapeInfo: [99, 'pointer'],
  ReleaseSessionOptions: [100, 'pointer'],
  ReleaseAllocator: [132, 'pointer'],
  ReleaseIoBinding: [135, 'pointer'],
  ReleaseCUDAProviderOptions: [208, 'pointer'],
} as const satisfies Record<string, Row>

/** What a status holds. */
export const STATUS = { GetErrorCode: [1, 'pointer'], GetErrorMessage: [2, 'pointer'] } as const satisfies Record<
  string,
  Row
>

/** `OrtErrorCode`, by value. */
export const ERROR_CODES = [
  'OK',
  'FAIL',
  'INVALID_ARGUMENT',
  'NO_SUCHFILE',
  'NO_MODEL',
  'ENGINE_ERROR',
  'RUNTIME_EXCEPTION',
  'INVALID_PROTOBUF',
  'MODEL_LOADED',
  'NOT_IMPLEMENTED',
  'INVALID_GRAPH',
  'EP_FAIL',
  'MODEL_LOAD_CANCELED',
  'MODEL_REQUIRES_COMPILATION',
] as const

type Carried<Pointer> = {
  pointer: Pointer
  string: string
  strings: readonly string[]
  int: number
  size: number
  bool: boolean
}

/** The argument list of a row, where a pointer is a `Pointer`. */
export type Arguments<R extends Row, Pointer> = R extends readonly [number, ...infer Takes extends ArgumentKind[]]
  ? { [I in keyof Takes]: Carried<Pointer>[Takes[I]] }
  : never

export type Action = keyof typeof ACTIONS
export type Getter = keyof typeof GETTERS
export type Release = keyof typeof RELEASES
