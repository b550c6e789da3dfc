import { describe, expect, it } from 'vitest'
import type { DType, TensorData } from '../graph/runtime.ts'
import { OrtRuntime } from './ort-runtime.ts'
import { expectError } from './testing/expect-error.ts'

const runtime = new OrtRuntime({ threads: 1 })

describe('wrap', () => {
  it('keeps the caller’s array as the tensor’s memory', () => {
    const data = Float32Array.of(1, 2, 3, 4)
    using tensor = runtime.wrap('float32', [2, 2], data)
    expect(tensor.data).toBe(data)
    expect(tensor.shape).toEqual([2, 2])
  })

  it('makes the buffer untransferable', () => {
    const data = new Float32Array(100)
    using _ = runtime.wrap('float32', [100], data)
    expect(() => data.buffer.transfer()).toThrow(TypeError)
    expect(() => structuredClone(data, { transfer: [data.buffer] })).toThrow(/transfer/i)
    expect(data).toHaveLength(100)
  })

  it.each<[DType, TensorData]>([
    ['float32', new Float32Array(2)],
    ['float16', new Uint16Array(2)],
    ['bfloat16', new Uint16Array(2)],
    ['uint8', new Uint8Array(2)],
    ['int8', new Int8Array(2)],
    ['int32', new Int32Array(2)],
    ['int64', new BigInt64Array(2)],
    ['bool', new Uint8Array(2)],
  ])('takes %s', (dtype, data) => {
    using tensor = runtime.wrap(dtype, [2], data)
    expect(tensor.dtype).toBe(dtype)
  })

  it('refuses an array of another size or kind', async () => {
    const wrap = (dtype: DType, shape: number[], data: TensorData) => () => runtime.wrap(dtype, shape, data)
    await expectError(
      wrap('float32', [3], new Float32Array(2)),
      'graph.shape_mismatch',
      /float32\[3\]: expected a Float32Array of 12 bytes, found a Float32Array of 8 bytes/,
    )
    await expectError(wrap('float32', [2], new Int32Array(2)), 'graph.shape_mismatch', /found a Int32Array of 8 bytes/)
    await expectError(wrap('float32', [-1, -2], new Float32Array(2)), 'graph.shape_mismatch', /float32\[-1,-2\]/)
    await expectError(wrap('float32', [0.5, 4], new Float32Array(2)), 'graph.shape_mismatch', /float32\[0\.5,4\]/)
    await expectError(wrap('int8', [Number.NaN], new Int8Array(2)), 'graph.shape_mismatch', /int8\[NaN\]/)
  })

  it('refuses a buffer that can shrink under a run', async () => {
    const buffer = new ArrayBuffer(8, { maxByteLength: 16 })
    await expectError(
      () => runtime.wrap('float32', [2], new Float32Array(buffer)),
      'graph.shape_mismatch',
      /expected a fixed buffer, found a resizable one/,
    )
  })
})

describe('allocate', () => {
  it('gives memory that is zero', () => {
    using tensor = runtime.allocate('int64', [2, 3])
    expect(tensor.data).toEqual(new BigInt64Array(6))
  })

  it('commits the pages of a large tensor only when they are written', () => {
    const before = process.memoryUsage.rss()
    using tensor = runtime.allocate('float32', [1024, 1024, 256])
    expect(tensor.data.byteLength).toBe(2 ** 30)
    expect(process.memoryUsage.rss() - before).toBeLessThan(2 ** 28)
  })

  it('refuses a shape that is no shape', async () => {
    await expectError(() => runtime.allocate('float32', [2, -1]), 'graph.shape_mismatch', /float32\[2,-1\]/)
    await expectError(() => runtime.allocate('float32', [2 ** 40, 2 ** 40]), 'graph.shape_mismatch', /whole sizes/)
  })
})
