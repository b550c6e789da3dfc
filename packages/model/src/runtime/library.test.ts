import { afterEach, expect, it, vi } from 'vitest'
import { library } from './library.ts'
import { expectError } from './testing/expect-error.ts'

afterEach(() => vi.unstubAllEnvs())

it('says which file could not be loaded, and loads another one later', async () => {
  vi.stubEnv('ORT_LIB', '/no/such/libonnxruntime.so')
  await expectError(
    library,
    'runtime.failed',
    /^Cannot load the ONNX Runtime library \/no\/such\/libonnxruntime\.so: ./,
  )
  vi.unstubAllEnvs()
  expect(library().version).toMatch(/^1\.\d+\.\d+$/)
})

it('is loaded once', () => {
  expect(library()).toBe(library())
})
