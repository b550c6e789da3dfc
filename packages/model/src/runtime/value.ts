import { markAsUntransferable } from 'node:worker_threads'
import { AppError } from '@loupe/shared/errors'
import { DATA_TYPE } from '../graph/onnx-model.ts'
import { BYTES_PER_ELEMENT, type DType, type RuntimeTensor, type TensorData } from '../graph/runtime.ts'
import { hostMemory } from './environment.ts'
import { get, type Pointer } from './ffi.ts'
import { Handle } from './handle.ts'

const ARRAYS = {
  float32: Float32Array,
  float16: Uint16Array,
  bfloat16: Uint16Array,
  uint8: Uint8Array,
  int8: Int8Array,
  int32: Int32Array,
  int64: BigInt64Array,
  bool: Uint8Array,
} as const satisfies Record<DType, unknown>

/** The dtype of an `ONNXTensorElementDataType`, whose numbers are those of the file format, if Loupe knows it. */
export function dtypeOf(elementType: number): DType | undefined {
  const names = Object.keys(DATA_TYPE) as DType[] // a Record's own keys
  return names.find((dtype) => DATA_TYPE[dtype] === elementType)
}

/** @throws AppError `graph.shape_mismatch` when a size is not a whole number from 0 */
export function bytesOf(dtype: DType, shape: readonly number[]): number {
  const elements = shape.reduce((product, size) => product * size, 1)
  if (
    !shape.every((size) => Number.isInteger(size) && size >= 0) ||
    !Number.isSafeInteger(elements * BYTES_PER_ELEMENT[dtype])
  )
    throw new AppError('graph.shape_mismatch', `Expected whole sizes of at least 0, found ${dtype}[${shape}].`)
  return elements * BYTES_PER_ELEMENT[dtype]
}

/** Memory seen as elements of a dtype. */
export function typedArray(dtype: DType, buffer: ArrayBuffer): TensorData {
  return new ARRAYS[dtype](buffer)
}

/**
 * A tensor in memory that JavaScript owns, or in a device's.
 *
 * ONNX Runtime takes no reference on memory of JavaScript, so three things keep it in place: the tensor holds the array, a
 * binding holds its tensors, and a run in flight holds its binding. Its buffer can be neither transferred nor resized.
 */
export class OrtTensor implements RuntimeTensor {
  readonly dtype: DType
  readonly shape: readonly number[]
  readonly #data: TensorData | undefined
  readonly #handle: Handle

  /**
   * @param memory - an array to use as it is, or a native tensor outside of JavaScript's reach
   * @throws AppError `graph.shape_mismatch`
   */
  constructor(dtype: DType, shape: readonly number[], memory: TensorData | Handle) {
    this.dtype = dtype
    this.shape = [...shape]
    if (memory instanceof Handle) {
      this.#handle = memory
      return
    }
    checkMemory(dtype, shape, memory)
    markAsUntransferable(memory.buffer)
    this.#data = memory
    this.#handle = new Handle('tensor', createValue(dtype, shape, memory), 'ReleaseValue')
  }

  /**
   * Zero-filled memory. The pages of a large one are committed only when they are first written.
   *
   * @throws AppError `graph.shape_mismatch`
   */
  static allocate(dtype: DType, shape: readonly number[]): OrtTensor {
    return new OrtTensor(dtype, shape, typedArray(dtype, new ArrayBuffer(bytesOf(dtype, shape))))
  }

  /** @throws AppError `runtime.failed` when the tensor lives in device memory */
  get data(): TensorData {
    if (this.#data !== undefined) return this.#data
    throw new AppError('runtime.failed', `${this.dtype}[${this.shape}]: expected host memory, found a device's.`)
  }

  /** @throws AppError `runtime.failed` after `dispose` */
  get pointer(): Pointer {
    return this.#handle.pointer
  }

  [Symbol.dispose](): void {
    this.#handle[Symbol.dispose]()
  }
}

function checkMemory(dtype: DType, shape: readonly number[], data: TensorData): void {
  const bytes = bytesOf(dtype, shape)
  if (!(data instanceof ARRAYS[dtype]) || data.byteLength !== bytes) {
    const expected = `${ARRAYS[dtype].name} of ${bytes} bytes`
    const found = `${data.constructor.name} of ${data.byteLength} bytes`
    throw new AppError('graph.shape_mismatch', `${dtype}[${shape}]: expected a ${expected}, found a ${found}.`)
  }
  if (data.buffer instanceof ArrayBuffer && data.buffer.resizable)
    throw new AppError('graph.shape_mismatch', `${dtype}[${shape}]: expected a fixed buffer, found a resizable one.`)
}

function createValue(dtype: DType, shape: readonly number[], data: TensorData): Pointer {
  const sizes = BigInt64Array.from(shape, BigInt)
  return get(
    'CreateTensorWithDataAsOrtValue',
    hostMemory(),
    data,
    data.byteLength,
    sizes,
    sizes.length,
    DATA_TYPE[dtype],
  )
}
