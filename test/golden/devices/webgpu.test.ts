/**
 * The golden cases on WebGPU itself, where a machine has an adapter. Without a GPU a software one will do, such as
 * SwiftShader (`VK_ICD_FILENAMES`); of that one the fused prefill is wrong beyond 32 tokens, since its subgroups have four
 * lanes where the kernel counts on more, so text goes in parts.
 */
import { OrtRuntime } from '@loupe/model/runtime'
import { describe, expect, it } from 'vitest'
import { caseDirectory, readCase, TOLERANCE } from '../vl/golden-case.ts'
import { compute, modelWith, openCheckpoint, worstOf } from './device-model.ts'
import { dtypePolicy } from './model-internals.ts'

const PART_TOKENS = 16

function hasAdapter(): boolean {
  try {
    new OrtRuntime({ device: 'webgpu' })[Symbol.dispose]()
    return true
  } catch {
    return false
  }
}

// A machine of CI has neither a GPU nor Vulkan.
describe.skipIf(!hasAdapter())('WebGPU', () => {
  it.each(['text-only', 'one-image'] as const)('computes %s as the reference does', async (name) => {
    const golden = await readCase(name)
    const runtime = new OrtRuntime({ device: 'webgpu' })
    using model = modelWith(await openCheckpoint(golden.directory), runtime, dtypePolicy('webgpu', 'f32'))
    const parts = name === 'text-only' ? PART_TOKENS : undefined
    expect(worstOf(golden, await compute(model, golden, parts))).toBeLessThanOrEqual(TOLERANCE.default)
  })

  it('keeps what it allocates in its own memory', () => {
    using runtime = new OrtRuntime({ device: 'webgpu' })
    using tensor = runtime.allocate('float16', [2, 3])
    expect(tensor).toMatchObject({ dtype: 'float16', shape: [2, 3] })
    expect(() => tensor.data).toThrow(/expected host memory, found a device's/)
  })

  it('runs the vision tower without help from the CPU', async () => {
    const checkpoint = await openCheckpoint(caseDirectory('one-image'))
    const runtime = new OrtRuntime({ device: 'webgpu', cpuFallback: false })
    using model = modelWith(checkpoint, runtime, dtypePolicy('webgpu', 'f32'))
    const { patches } = await readCase('one-image')
    const [first = expect.fail('there is no picture')] = patches
    expect((await model.getImageFeatures(first)).every(Number.isFinite)).toBe(true)
  })
})
