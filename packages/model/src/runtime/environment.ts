import { get, type Pointer } from './ffi.ts'

/** Errors come back as statuses; at this level ONNX Runtime does not also print them. */
export const LOG_FATAL_ONLY = 4
const DEVICE_ALLOCATOR = 0
const DEFAULT_MEMORY = 0

let env: Pointer | undefined
let memory: Pointer | undefined
let allocator: Pointer | undefined

/** The one environment of this process. It lives until the process ends. */
export function environment(): Pointer {
  env ??= get('CreateEnv', LOG_FATAL_ONLY, 'loupe')
  return env
}

/** The description of ordinary host memory. */
export function hostMemory(): Pointer {
  memory ??= get('CreateCpuMemoryInfo', DEVICE_ALLOCATOR, DEFAULT_MEMORY)
  return memory
}

/** The allocator of the strings and arrays that ONNX Runtime hands out; owned by the library. */
export function defaultAllocator(): Pointer {
  allocator ??= get('GetAllocatorWithDefaultOptions')
  return allocator
}
