import { AppError } from '@loupe/shared/errors'
import { describe, expect, it } from 'vitest'
import { unavailableDevice } from './unavailable-device.ts'

const SOURCE = '/onnxruntime_src/onnxruntime/core'
const LOAD = `UpdateCUDAProviderOptions: FAIL: ${SOURCE}/session/provider_bridge_ort.cc:1988 onnxruntime::Provider& onnxruntime::ProviderLibrary::Get() [ONNXRuntimeError] : 1 : FAIL : Failed to load library`
const ADAPTER = `SessionOptionsAppendExecutionProvider: FAIL: ${SOURCE}/providers/webgpu/webgpu_context.cc:136 onnxruntime::webgpu::WebGpuContext::Initialize(const onnxruntime::webgpu::WebGpuContextConfig&)::<lambda()> adapter_result.status == wgpu::RequestAdapterStatus::Success was false.`

describe('unavailableDevice', () => {
  it.each([
    [
      'the provider itself',
      'cuda',
      `${LOAD} /ort/libonnxruntime_providers_shared.so with error: /ort/libonnxruntime_providers_shared.so: cannot open shared object file: No such file or directory`,
      'there is no /ort/libonnxruntime_providers_shared.so; it needs an ONNX Runtime for CUDA, whose library ORT_LIB names, CUDA 12 and cuDNN 9, or take "cpu".',
    ],
    [
      'a library that the provider needs',
      'cuda',
      `${LOAD} /ort/libonnxruntime_providers_cuda.so with error: libcublasLt.so.12: cannot open shared object file: No such file or directory`,
      'there is no libcublasLt.so.12; ',
    ],
    [
      'a library on Windows',
      'cuda',
      `${LOAD.replace('Failed to load library', 'LoadLibrary failed with error 126 "" when trying to load')} "C:\\ort\\onnxruntime_providers_shared.dll"`,
      'there is no C:\\ort\\onnxruntime_providers_shared.dll; ',
    ],
    [
      'an adapter',
      'webgpu',
      `${ADAPTER} Failed to get a WebGPU adapter: No supported adapters`,
      'there is no adapter; it needs a graphics adapter with Vulkan, Metal or Direct3D 12, or take "cpu".',
    ],
    [
      'another thing of the device',
      'webgpu',
      `${ADAPTER} Failed to get a WebGPU device: lost`,
      'Failed to get a WebGPU device: lost; ',
    ],
    [
      'a setting',
      'cuda',
      `${LOAD.replace('Failed to load library', 'Unknown provider option: "no_such_option"')}.`,
      'Unknown provider option: "no_such_option"; ',
    ],
    ['words', 'cuda', `${LOAD.replace('Failed to load library', '')}${'so '.repeat(500)}`, `so${' so'.repeat(52)}`],
  ] as const)('says in a sentence that the device lacks %s', (_, device, text, expected) => {
    const cause = new AppError('runtime.failed', text)
    const error = unavailableDevice(device, cause)
    expect(error).toMatchObject({ code: 'runtime.failed', cause })
    expect(error.detail).toContain(`The device "${device}" is not available here: ${expected}`)
    expect(error.detail).not.toMatch(/ONNXRuntimeError|onnxruntime_src/)
    expect(error.detail.length).toBeLessThan(400)
  })
})
