import { loadGemma3VL, loadPipeline } from '@loupe/model/node'
import { describe, expect, it } from 'vitest'
import { caseDirectory } from '../vl/golden-case.ts'

// A library named by ORT_LIB may well have a GPU.
describe.skipIf(process.env['ORT_LIB'])('a device that is not there', () => {
  it('is an error of loading, which names the device and what its provider lacks', async () => {
    const message =
      /"cuda" is not available here: there is no \S+libonnxruntime_providers_shared\.so; .* or take "cpu"\.$/
    await expect(loadGemma3VL(caseDirectory('text-only'), { device: 'cuda' })).rejects.toThrow(message)
    await expect(loadPipeline(caseDirectory('text-only'), { device: 'cuda', stages: 2 })).rejects.toThrow(message)
  })
})
