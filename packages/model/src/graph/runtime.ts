/**
 * What a graph needs from the machine that runs it. Runtime-neutral: the Node implementation is `OrtRuntime` of
 * `@loupe/model/runtime`; a browser implementation only has to satisfy these interfaces.
 */

import type { FileSlice } from './file-slice.ts'

/** Element types of graphs and checkpoints. */
export type DType = 'float32' | 'float16' | 'bfloat16' | 'uint8' | 'int8' | 'int32' | 'int64' | 'bool'

/** Host memory of a tensor. 16-bit floats are carried as their bits, booleans as the bytes 0 and 1. */
export type TensorData = Float32Array | Uint16Array | Uint8Array | Int8Array | Int32Array | BigInt64Array

/** Where a runtime computes. */
export type Device = 'cpu' | 'cuda' | 'webgpu'

/** Bytes of one element. */
export const BYTES_PER_ELEMENT: Readonly<Record<DType, number>> = {
  float32: 4,
  float16: 2,
  bfloat16: 2,
  uint8: 1,
  int8: 1,
  int32: 4,
  int64: 8,
  bool: 1,
}

/** A tensor that can be bound to a session. Row-major; dispose it when no binding uses it any more. */
export interface RuntimeTensor extends Disposable {
  /** Type of its elements. */
  readonly dtype: DType
  /** Sizes, the outermost first. */
  readonly shape: readonly number[]
  /**
   * A live view of the tensor's host memory, `[product of shape]`. A view of an allocated tensor must not be used after `dispose`.
   *
   * @throws AppError `runtime.failed` when the tensor lives in device memory
   */
  readonly data: TensorData
}

/** One input or output of a session, as the model declares it. */
export interface IoInfo {
  /** By which it is bound. */
  readonly name: string
  /** Type of its elements. */
  readonly dtype: DType
  /** Sizes; a string names a dimension that is only known at run time. */
  readonly shape: readonly (number | string)[]
}

/** The result of an output that the runtime allocated. */
export interface HostTensor {
  /** Type of its elements. */
  readonly dtype: DType
  /** Sizes, the outermost first. */
  readonly shape: readonly number[]
  /** The elements, row-major, `[product of shape]`. */
  readonly data: TensorData
}

/** Options of {@link Runtime.load}. */
export interface LoadOptions {
  /** The real directory of the files that the model's external initializers name. */
  readonly weightsFolder?: string
  /** Whether matrix weights are copied into the layout that the kernels like best, unless the runtime was told; true. */
  readonly prepack?: boolean
  /** What loading reads of those files: a runtime may fetch it meanwhile. */
  readonly reads?: readonly FileSlice[]
  /** Ends the load early with `request.cancelled`. */
  readonly signal?: AbortSignal
}

/** Options of {@link RuntimeBinding.run}. */
export interface RunOptions {
  /** Ends the run early with `request.cancelled`; the contents of its outputs are undefined afterwards. */
  readonly signal?: AbortSignal
  /**
   * Gives the memory of intermediate results back when the run ends; by default it is kept for the next run. Of use after
   * a run that needs far more than those to come. A device may keep it all the same.
   */
  readonly releasesMemory?: boolean
}

/** Loads models and makes tensors. Every failure is an AppError `runtime.failed` unless said otherwise. */
export interface Runtime extends Disposable {
  /** Where it computes. */
  readonly device: Device
  /**
   * A tensor over the caller's memory, without a copy: what the caller writes is what the next run reads. The buffer is
   * kept alive and can no longer be transferred.
   *
   * @param data - the elements, row-major, `[product of shape]`
   * @throws AppError `graph.shape_mismatch` when shape, dtype and data do not fit
   */
  wrap(dtype: DType, shape: readonly number[], data: TensorData): RuntimeTensor
  /** A tensor in the device's memory, for example a KV cache. It is filled with zeros on a CPU only. */
  allocate(dtype: DType, shape: readonly number[]): RuntimeTensor
  /**
   * Loads a serialized ONNX model.
   *
   * @param model - its bytes
   * @throws AppError `request.cancelled` when `options.signal` aborts first
   */
  load(model: Uint8Array, options?: LoadOptions): Promise<RuntimeSession>
}

/** A loaded model. Several bindings may run at the same time. */
export interface RuntimeSession extends Disposable {
  /** In the order of the model. */
  readonly inputs: readonly IoInfo[]
  /** In the order of the model. */
  readonly outputs: readonly IoInfo[]
  /** A new, empty set of inputs and outputs. */
  bind(): RuntimeBinding
}

/** The inputs and outputs of one request. Binding the same name again replaces the tensor. */
export interface RuntimeBinding extends Disposable {
  /**
   * The next runs read `tensor`.
   *
   * @throws AppError `graph.shape_mismatch` when the model has no such input or the tensor does not fit it
   */
  input(name: string, tensor: RuntimeTensor): this
  /**
   * Results are written into `tensor`, which may at the same time be bound as an input (a KV cache).
   *
   * @throws AppError `graph.shape_mismatch` when the model has no such output or the tensor does not fit it
   */
  output(name: string, tensor: RuntimeTensor): this
  /** The runtime allocates the result, whose shape is known after the run; fetch it with {@link RuntimeBinding.read}. */
  outputOnHost(name: string): this
  /**
   * Computes every output without blocking the event loop. One run at a time per binding.
   *
   * @throws AppError `request.cancelled` when `options.signal` aborts
   */
  run(options?: RunOptions): Promise<void>
  /** A copy of the result of an {@link RuntimeBinding.outputOnHost} output of the last run. */
  read(name: string): HostTensor
}
