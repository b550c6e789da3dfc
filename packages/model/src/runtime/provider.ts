import type { Device } from '../graph/runtime.ts'
import { call, get, type Pointer } from './ffi.ts'
import { Handle } from './handle.ts'
import { unavailableDevice } from './unavailable-device.ts'

type Settings = Readonly<Record<string, string>>

/** Growing by what is asked for, not by powers of two, and without a search for convolutions at each new shape. */
const CUDA_DEFAULTS: Settings = {
  arena_extend_strategy: 'kSameAsRequested',
  cudnn_conv_algo_search: 'HEURISTIC',
}

/**
 * Makes sessions compute on a device. The CPU needs nothing and takes what another provider cannot do.
 *
 * WebGPU has run on a software adapter. CUDA follows ONNX Runtime's documentation and has not run yet, but for its failures.
 *
 * @param options - session options
 * @throws AppError `runtime.failed` when the library lacks the provider, or the provider its own libraries
 */
export function appendProvider(options: Pointer, device: Device, settings: Settings): void {
  if (device === 'cpu') return
  try {
    if (device === 'cuda') appendCuda(options, { ...CUDA_DEFAULTS, ...settings })
    else call('SessionOptionsAppendExecutionProvider', options, 'WebGPU', ...keysAndValues(settings))
  } catch (cause) {
    throw unavailableDevice(device, cause)
  }
}

/** CUDA is not reachable by name; it has an options object of its own. */
function appendCuda(options: Pointer, settings: Settings): void {
  using cuda = new Handle('CUDA options', get('CreateCUDAProviderOptions'), 'ReleaseCUDAProviderOptions')
  call('UpdateCUDAProviderOptions', cuda.pointer, ...keysAndValues(settings))
  call('SessionOptionsAppendExecutionProvider_CUDA_V2', options, cuda.pointer)
}

function keysAndValues(settings: Settings): [keys: string[], values: string[], count: number] {
  const keys = Object.keys(settings)
  return [keys, Object.values(settings), keys.length]
}
