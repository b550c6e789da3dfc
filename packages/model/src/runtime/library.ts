import { createRequire } from 'node:module'
import path from 'node:path'
import { AppError } from '@loupe/shared/errors'
import koffi, { type LibraryHandle } from 'koffi'
import { API_VERSION } from './table.ts'

/** The loaded library. */
export interface Library {
  /** koffi unloads a library when its handle is collected, so this is what keeps every function callable. */
  readonly handle: LibraryHandle
  /** ONNX Runtime's version, `1.30.0`. */
  readonly version: string
  /** The address of the function in a slot of `struct OrtApi`. */
  functionAt(slot: number): bigint
}

const require = createRequire(import.meta.url)
const POINTER_BYTES = 8
const SYNC_STACK_BYTES = 16 * 1024 * 1024
const ASYNC_STACK_BYTES = 8 * 1024 * 1024
const FILE_NAMES: Readonly<Record<string, string>> = {
  linux: 'libonnxruntime.so.1',
  darwin: 'libonnxruntime.1.dylib',
  win32: 'onnxruntime.dll',
}

let loaded: Library | undefined

/**
 * The library, loaded on first use: the file that the environment variable `ORT_LIB` names, else the one inside the npm
 * package `onnxruntime-node`, whose own binding is never loaded.
 */
export function library(): Library {
  loaded ??= load(libraryPath())
  return loaded
}

function libraryPath(): string {
  const named = process.env['ORT_LIB']
  if (named !== undefined && named !== '') return named
  const fileName = FILE_NAMES[process.platform]
  if (fileName === undefined)
    throw new AppError('runtime.failed', `No ONNX Runtime for ${process.platform}; set ORT_LIB.`)
  return path.join(packageFolder(), 'bin', 'napi-v6', process.platform, process.arch, fileName)
}

/** The package is an optional dependency: npm leaves it out when its install script, which fetches CUDA, fails. */
function packageFolder(): string {
  try {
    return path.dirname(require.resolve('onnxruntime-node/package.json'))
  } catch (cause) {
    const remedy = '`npm install --ignore-scripts` installs it; or ORT_LIB names a library.'
    throw new AppError('runtime.failed', `Expected the package onnxruntime-node, found none. ${remedy}`, { cause })
  }
}

function load(file: string): Library {
  try {
    enlargeStacks()
    return open(file)
  } catch (cause) {
    if (AppError.isInstance(cause)) throw cause
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new AppError('runtime.failed', `Cannot load the ONNX Runtime library ${file}: ${reason}`, { cause })
  }
}

/**
 * koffi runs a callee on a stack of its own, 128 KiB by default in an asynchronous call. Matrix kernels and graph
 * optimisers need more, and an overflow kills the process. Pages are committed only when touched. koffi allows the change
 * only before it loads its first library.
 */
function enlargeStacks(): void {
  const { async_stack_size: currentBytes = 0 } = koffi.config()
  if (currentBytes < ASYNC_STACK_BYTES)
    koffi.config({ sync_stack_size: SYNC_STACK_BYTES, async_stack_size: ASYNC_STACK_BYTES })
}

/** `struct OrtApiBase` holds two functions: `GetApi(version)` and `GetVersionString()`. */
function open(file: string): Library {
  const handle = koffi.load(file)
  const base: unknown = handle.func('OrtGetApiBase', 'void *', [])()
  const getApi = koffi.decode(pointerAt(base, 0), koffi.proto('void *', ['uint32_t']))
  const getVersion = koffi.decode(pointerAt(base, 1), koffi.proto('const char *', []))
  const version: string = getVersion()
  const api: unknown = getApi(API_VERSION)
  if (!api) {
    const wanted = `API version ${API_VERSION} (1.${API_VERSION} or newer)`
    throw new AppError('runtime.failed', `Expected an ONNX Runtime with ${wanted}, found ${version} at ${file}.`)
  }
  return { handle, version, functionAt: (slot) => pointerAt(api, slot) }
}

function pointerAt(table: unknown, index: number): bigint {
  return koffi.decode(table, index * POINTER_BYTES, 'void *')
}
