import { AppError } from '@loupe/shared/errors'
import { Graph } from '../graph/graph.ts'
import { DATA_TYPE } from '../graph/onnx-model.ts'
import { add } from '../graph/ops/arithmetic.ts'
import type { Device, DType } from '../graph/runtime.ts'
import { environment } from './environment.ts'
import { get } from './ffi.ts'
import { Handle } from './handle.ts'
import { createSessionOptions, type SessionSettings } from './session-options.ts'
import { bytesOf, OrtTensor } from './value.ts'

/** What ONNX Runtime calls the memory of each device that has its own. */
const MEMORY_NAMES: Readonly<Record<Exclude<Device, 'cpu'>, string>> = { cuda: 'Cuda', webgpu: 'WebGPU_Buffer' }
const DEVICE_ALLOCATOR = 0
const DEFAULT_MEMORY = 0

/**
 * The memory of a device, for tensors that stay there between runs. ONNX Runtime gives it out through a session: a tiny
 * one that is never run.
 */
export class DeviceMemory implements Disposable {
  readonly #session: Handle
  readonly #allocator: Handle

  /** @throws AppError `runtime.failed` when the device cannot be had, or has no memory of its own */
  constructor(device: Exclude<Device, 'cpu'>, settings: SessionSettings) {
    const id = Number(settings.deviceOptions['device_id'] ?? settings.deviceOptions['deviceId'] ?? 0)
    using options = createSessionOptions(settings)
    const model = tinyModel()
    const session = get('CreateSessionFromArray', environment(), model, model.byteLength, options.pointer)
    this.#session = new Handle('session', session, 'ReleaseSession')
    try {
      const info = get('CreateMemoryInfo', MEMORY_NAMES[device], DEVICE_ALLOCATOR, id, DEFAULT_MEMORY)
      using memory = new Handle('memory info', info, 'ReleaseMemoryInfo')
      const allocator = get('CreateAllocator', session, memory.pointer)
      this.#allocator = new Handle('allocator', allocator, 'ReleaseAllocator', this.#session)
    } catch (cause) {
      this.#session[Symbol.dispose]()
      throw new AppError('runtime.failed', `The memory of "${device}" is not available here.`, { cause })
    }
  }

  /** A tensor in this memory, whose contents are undefined. It keeps the memory's allocator alive. */
  allocate(dtype: DType, shape: readonly number[]): OrtTensor {
    bytesOf(dtype, shape)
    const sizes = BigInt64Array.from(shape, BigInt)
    const value = get('CreateTensorAsOrtValue', this.#allocator.pointer, sizes, sizes.length, DATA_TYPE[dtype])
    return new OrtTensor(dtype, shape, new Handle('tensor', value, 'ReleaseValue', this.#allocator))
  }

  [Symbol.dispose](): void {
    this.#allocator[Symbol.dispose]()
    this.#session[Symbol.dispose]()
  }
}

function tinyModel(): Uint8Array {
  const g = new Graph()
  const x = g.input('x', 'float32', 'r', [1])
  g.output('y', add(g, x, x))
  return g.encode()
}
