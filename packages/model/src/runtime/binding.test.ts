import { setTimeout } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import type { DType, RuntimeTensor } from '../graph/runtime.ts'
import { OrtBinding } from './binding.ts'
import { environment } from './environment.ts'
import { get } from './ffi.ts'
import { Handle, liveHandles } from './handle.ts'
import { OrtRuntime } from './ort-runtime.ts'
import { RunQueue } from './run-queue.ts'
import { createSessionOptions } from './session-options.ts'
import { expectError } from './testing/expect-error.ts'
import { settledHandles } from './testing/garbage.ts'
import { accumulator, adder, repeater } from './testing/tiny-models.ts'

const runtime = new OrtRuntime({ threads: 1 })
const cache = await runtime.load(accumulator())
const add = await runtime.load(adder())

describe('a binding', () => {
  it('writes an output in place, over the input it is computed from', async () => {
    using state = runtime.allocate('float32', [4])
    using x = runtime.wrap('float32', [4], Float32Array.of(1, 2, 3, 4))
    using binding = cache.bind().input('past', state).input('x', x).output('present', state)
    await binding.run()
    await binding.run()
    expect(state.data).toEqual(Float32Array.of(2, 4, 6, 8))
    x.data.fill(0 as never)
    x.data[0] = 10
    await binding.run()
    expect(state.data).toEqual(Float32Array.of(12, 4, 6, 8))
  })

  it('takes another tensor, of another shape, for the next run', async () => {
    using a = runtime.wrap('float32', [1, 2], Float32Array.of(1, 2))
    using b = runtime.wrap('float32', [2, 2], Float32Array.of(3, 4, 5, 6))
    using binding = add.bind().input('x', a).outputOnHost('y')
    await binding.run()
    const first = binding.read('y')
    binding.input('x', b)
    await binding.run()
    expect(binding.read('y')).toEqual({ dtype: 'float32', shape: [2, 2], data: Float32Array.of(13, 24, 15, 26) })
    expect(first.data).toEqual(Float32Array.of(11, 22)) // a copy: a later run does not change it
  })

  it('gives memory back on request: the numbers are the same, and the process is smaller', async () => {
    const count = 2 ** 24
    using rounds = runtime.wrap('int64', [], BigInt64Array.of(2n))
    using x = runtime.wrap('float32', [count], new Float32Array(count).fill(3))
    using y = runtime.allocate('float32', [count])
    const grown = async (releasesMemory: boolean) => {
      using session = await runtime.load(repeater())
      using binding = session.bind().input('rounds', rounds).input('x', x).output('y', y)
      y.data.fill(0 as never)
      const before = process.memoryUsage.rss()
      await binding.run({ releasesMemory })
      expect(y.data.at(-1)).toBe(6)
      return process.memoryUsage.rss() - before
    }
    const kept = await grown(false)
    expect(kept - (await grown(true))).toBeGreaterThan(count * 4)
  })

  it('reads each output under its own name', async () => {
    using session = await runtime.load(repeater())
    using rounds = runtime.wrap('int64', [], BigInt64Array.of(7n))
    using x = runtime.wrap('float32', [2], Float32Array.of(1, 10))
    using y = runtime.allocate('float32', [2])
    using binding = session.bind().input('rounds', rounds).input('x', x).output('y', y)
    await binding.run()
    expect(y.data).toEqual(Float32Array.of(7, 70))
    await expectError(() => binding.read('y'), 'runtime.failed', /y: expected an output bound with outputOnHost/)
    binding.outputOnHost('y')
    await expectError(() => binding.read('y'), 'runtime.failed', /y: expected a completed run/)
    await binding.run()
    expect(binding.read('y').data).toEqual(Float32Array.of(7, 70))
  })

  it('refuses names, dtypes and shapes that the model does not have, and stays usable', async () => {
    const of = (dtype: DType, ...shape: number[]) => runtime.allocate(dtype, shape)
    using binding = add.bind()
    const input = (name: string, tensor: RuntimeTensor) => () => binding.input(name, tensor)
    const output = (name: string, tensor: RuntimeTensor) => () => binding.output(name, tensor)
    await expectError(input('z', of('float32', 1, 2)), 'graph.shape_mismatch', /an input among x; found "z"/)
    await expectError(output('x', of('float32', 1, 2)), 'graph.shape_mismatch', /an output among y; found "x"/)
    await expectError(() => binding.outputOnHost('z'), 'graph.shape_mismatch', /an output among y; found "z"/)
    await expectError(input('x', of('int32', 1, 2)), 'graph.shape_mismatch', /x: expected float32\[n,2\], found int32/)
    await expectError(input('x', of('float32', 1, 3)), 'graph.shape_mismatch', /x: .* found float32\[1,3\]/)
    await expectError(output('y', of('float32', 2)), 'graph.shape_mismatch', /y: .* found float32\[2\]/)

    await binding
      .input('x', of('float32', 1, 2))
      .outputOnHost('y')
      .run()
    expect(binding.read('y').data).toEqual(Float32Array.of(10, 20))
  })

  it('fails a run whose output tensor is too small, and stays usable', async () => {
    using binding = add.bind().input('x', runtime.allocate('float32', [3, 2]))
    binding.output('y', runtime.allocate('float32', [1, 2]))
    await expectError(() => binding.run(), 'runtime.failed', /^RunWithBinding: /)
    const y = runtime.allocate('float32', [3, 2])
    await binding.output('y', y).run()
    expect(y.data).toEqual(Float32Array.of(10, 20, 10, 20, 10, 20))
  })

  it('fails a run without all inputs, and can be completed', async () => {
    using binding = add.bind().outputOnHost('y')
    await expectError(() => binding.run(), 'runtime.failed', /a tensor for every input, found none for x/)
    await expectError(() => binding.read('y'), 'runtime.failed', /expected a completed run/)
    await binding.input('x', runtime.allocate('float32', [1, 2])).run()
    expect(binding.read('y').data).toEqual(Float32Array.of(10, 20))
  })

  it('runs once at a time, and does not change meanwhile', async () => {
    using binding = add
      .bind()
      .input('x', runtime.allocate('float32', [1, 2]))
      .outputOnHost('y')
    const run = binding.run()
    await expectError(() => binding.run(), 'runtime.failed', /idle binding/)
    await expectError(() => binding.read('y'), 'runtime.failed', /idle binding/)
    await expectError(() => binding.input('x', runtime.allocate('float32', [1, 2])), 'runtime.failed', /idle binding/)
    await run
    expect(binding.read('y').data).toEqual(Float32Array.of(10, 20))
  })

  it('refuses a tensor of another runtime', async () => {
    const foreign: RuntimeTensor = {
      dtype: 'float32',
      shape: [1, 2],
      data: new Float32Array(2),
      [Symbol.dispose]: () => undefined,
    }
    await expectError(() => add.bind().input('x', foreign), 'runtime.failed', /x: expected a tensor of this runtime/)
  })
})

describe('after dispose', () => {
  it('everything fails with a typed error', async () => {
    const session = await runtime.load(adder())
    const x = runtime.allocate('float32', [1, 2])
    const binding = session.bind().input('x', x).outputOnHost('y')
    await binding.run()
    binding[Symbol.dispose]()
    await expectError(() => binding.run(), 'runtime.failed', /The binding was used after it was disposed/)
    await expectError(() => binding.read('y'), 'runtime.failed', /The binding was used after it was disposed/)
    await expectError(() => binding.input('x', x), 'runtime.failed', /The binding was used after it was disposed/)
    x[Symbol.dispose]()
    await expectError(() => session.bind().input('x', x), 'runtime.failed', /The tensor was used after it was disposed/)
    session[Symbol.dispose]()
    session[Symbol.dispose]()
    await expectError(() => session.bind(), 'runtime.failed', /The session was used after it was disposed/)
  })

  it('of the tensors, a binding still has them', async () => {
    const x: RuntimeTensor = runtime.wrap('float32', [1, 2], Float32Array.of(1, 2))
    using binding = add.bind().input('x', x).outputOnHost('y')
    x[Symbol.dispose]()
    await binding.run()
    expect(binding.read('y').data).toEqual(Float32Array.of(11, 22))
  })

  it('of everything in the middle of a run, the run goes on and then frees it', async () => {
    const before = await settledHandles()
    const session = await runtime.load(repeater())
    const rounds = runtime.wrap('int64', [], BigInt64Array.of(10n ** 15n)) // endless
    const x = runtime.allocate('float32', [2])
    const binding = session.bind().input('rounds', rounds).input('x', x).outputOnHost('y')
    const controller = new AbortController()
    const run = expectError(() => binding.run({ signal: controller.signal }), 'request.cancelled', /./)
    await setTimeout(20)
    for (const thing of [session, binding, x, rounds]) thing[Symbol.dispose]()
    await setTimeout(20)
    expect(liveHandles()).toBeGreaterThan(before)
    controller.abort()
    await run
    expect(liveHandles()).toBe(before)
  })

  it('of a binding that waits for its turn, its run fails', async () => {
    const binding = add
      .bind()
      .input('x', runtime.allocate('float32', [1, 2]))
      .outputOnHost('y')
    const run = expectError(() => binding.run(), 'runtime.failed', /The binding was used after it was disposed/)
    binding[Symbol.dispose]()
    await run
  })
})

describe('a native binding that refuses something', () => {
  it('is given up', async () => {
    using options = createSessionOptions({ device: 'cpu', deviceOptions: {}, threads: 1, prepack: true })
    const model = adder()
    const pointer = get('CreateSessionFromArray', environment(), model, model.byteLength, options.pointer)
    using session = new Handle('session', pointer, 'ReleaseSession')
    // An input that the model does not have, as if it had been checked and found.
    const inputs = [{ name: 'ghost', dtype: 'float32', shape: [1] } as const]
    const binding = new OrtBinding({ session, inputs, outputs: [], queue: new RunQueue(1), copiesInputs: false })
    const tensor = runtime.allocate('float32', [1])
    await expectError(() => binding.input('ghost', tensor), 'runtime.failed', /^BindInput: .*ghost/)
    await expectError(
      () => binding.input('ghost', tensor),
      'runtime.failed',
      /The binding was used after it was disposed/,
    )
  })
})
