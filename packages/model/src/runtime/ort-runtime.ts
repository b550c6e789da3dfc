import { AppError } from '@loupe/shared/errors'
import type { Device, DType, LoadOptions, Runtime, RuntimeTensor, TensorData } from '../graph/runtime.ts'
import { throwIfCancelled } from './cancellation.ts'
import { DeviceMemory } from './device-memory.ts'
import { library } from './library.ts'
import { RunQueue } from './run-queue.ts'
import { loadSession, type OrtSession } from './session.ts'
import { createSessionOptions, type SessionSettings } from './session-options.ts'
import { OrtTensor } from './value.ts'

/** Options of {@link OrtRuntime}. */
export interface OrtRuntimeOptions {
  /** Where to compute; `cpu` by default. `webgpu` needs Vulkan, Metal or Direct3D 12; `cuda` a library built for it (`ORT_LIB`). */
  readonly device?: Device
  /** Settings of the device's execution provider under ONNX Runtime's own names: `{ device_id: '1' }`. */
  readonly deviceOptions?: Readonly<Record<string, string>>
  /** Threads that one operator of a run may use; by default one for each physical core. */
  readonly threads?: number
  /**
   * Runs in flight at once, over all sessions; 2 by default. Each occupies a thread of libuv's pool, which has four
   * unless `UV_THREADPOOL_SIZE` says otherwise, and which files and name lookups need too.
   */
  readonly concurrentRuns?: number
  /**
   * Whether matrix weights are copied into the layout that the kernels like best; by default as each model asks. Quantised
   * weights need it. Float32 weights load at once and stay in the checkpoint's pages without it; only prefill is slower then.
   */
  readonly prepack?: boolean
  /** Whether the CPU takes what the device has no kernel for; true by default. */
  readonly cpuFallback?: boolean
}

/**
 * ONNX Runtime, in this process.
 *
 * On a device that has memory of its own, allocated tensors live there; wrapped ones live in host memory, and ONNX
 * Runtime copies them for each run.
 *
 * @example
 * using runtime = new OrtRuntime({ threads: 2 })
 * using session = await runtime.load(model)
 * using x = runtime.wrap('float32', [1, 2], Float32Array.of(1, 2))
 * using binding = session.bind().input('x', x).outputOnHost('y')
 * await binding.run()
 * binding.read('y') // { dtype, shape, data }
 */
export class OrtRuntime implements Runtime {
  /** Where it computes. */
  readonly device: Device
  /** The version of ONNX Runtime: `1.30.0`. */
  readonly version: string
  readonly #settings: SessionSettings
  readonly #queue: RunQueue
  #memory: DeviceMemory | undefined
  #disposed = false

  /** @throws AppError `runtime.failed` when the library or the device is not available, or an option is out of range */
  constructor(options: OrtRuntimeOptions = {}) {
    const { device = 'cpu', deviceOptions = {}, threads = 0, concurrentRuns = 2, prepack, cpuFallback = true } = options
    checkCount('threads', threads, 0)
    checkCount('concurrentRuns', concurrentRuns, 1)
    this.device = device
    this.version = library().version
    this.#settings = { device, deviceOptions, threads, prepack, cpuFallback }
    this.#queue = new RunQueue(concurrentRuns)
    // A device that cannot be had is better known now than at the first model.
    createSessionOptions(this.#settings)[Symbol.dispose]()
  }

  wrap(dtype: DType, shape: readonly number[], data: TensorData): RuntimeTensor {
    this.#assertOpen()
    return new OrtTensor(dtype, shape, data)
  }

  allocate(dtype: DType, shape: readonly number[]): RuntimeTensor {
    this.#assertOpen()
    if (this.device === 'cpu') return OrtTensor.allocate(dtype, shape)
    this.#memory ??= new DeviceMemory(this.device, this.#settings)
    return this.#memory.allocate(dtype, shape)
  }

  async load(model: Uint8Array, options: LoadOptions = {}): Promise<OrtSession> {
    this.#assertOpen()
    throwIfCancelled(options.signal)
    return loadSession(model, this.#settings, this.#queue, options)
  }

  /** Refuses new work. Sessions and tensors live on until they are disposed themselves. */
  [Symbol.dispose](): void {
    this.#disposed = true
    this.#memory?.[Symbol.dispose]()
  }

  #assertOpen(): void {
    if (this.#disposed) throw new AppError('runtime.failed', 'The runtime was used after it was disposed.')
  }
}

function checkCount(name: string, value: number, least: number): void {
  if (Number.isInteger(value) && value >= least) return
  throw new AppError('runtime.failed', `${name}: expected a whole number of at least ${least}, found ${value}.`)
}
