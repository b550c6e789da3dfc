import { AppError } from '@loupe/shared/errors'
import type { Device } from '../graph/runtime.ts'

/** What has to be there, and what to do where it is not. */
const REMEDIES: Readonly<Record<Exclude<Device, 'cpu'>, string>> = {
  cuda: 'it needs an ONNX Runtime for CUDA, whose library ORT_LIB names, CUDA 12 and cuDNN 9',
  webgpu: 'it needs a graphics adapter with Vulkan, Metal or Direct3D 12',
}

/** How loaders name the file that they did not find: those of Linux and of Windows. */
const MISSING_FILES = [/([^\s:]+): cannot open shared object file/, /when trying to load "([^"]+)"/]
const NO_ADAPTER = /Failed to get a WebGPU adapter/
/** Where the texts of C++ begin to say something: behind file, line, function and code. */
const PREAMBLE = /^.*\[ONNXRuntimeError\] : \d+ : \w+ : |^.* was false\. /s
const MOST_CHARACTERS = 160

/**
 * Why a device cannot be had, in a sentence: ONNX Runtime's own text, which begins with its source files, is the cause.
 *
 * @param cause - what was thrown when the device was asked for
 */
export function unavailableDevice(device: Exclude<Device, 'cpu'>, cause: unknown): AppError {
  const found = reason(AppError.from(cause).message)
  const detail = `The device "${device}" is not available here: ${found}; ${REMEDIES[device]}, or take "cpu".`
  return new AppError('runtime.failed', detail, { cause })
}

function reason(text: string): string {
  for (const pattern of MISSING_FILES) {
    const [, file] = pattern.exec(text) ?? []
    if (file !== undefined) return `there is no ${file}`
  }
  if (NO_ADAPTER.test(text)) return 'there is no adapter'
  const [first = ''] = text.replace(PREAMBLE, '').trim().split('\n')
  const short = first.length > MOST_CHARACTERS ? `${first.slice(0, MOST_CHARACTERS)}…` : first
  return short.replace(/[.\s]+$/, '')
}
