import { describe, expect, it } from 'vitest'
import type { RuntimeSession } from '../graph/runtime.ts'
import { liveHandles } from './handle.ts'
import { OrtRuntime } from './ort-runtime.ts'
import { expectError } from './testing/expect-error.ts'
import { collectGarbage, settledHandles } from './testing/garbage.ts'
import { adder, repeater } from './testing/tiny-models.ts'

const runtime = new OrtRuntime({ threads: 1 })

describe('memory that a run reads', () => {
  it('outlives the run although nobody else holds it, and not longer', async () => {
    using session = await runtime.load(repeater())
    const controller = new AbortController()
    const { run, input } = startAndForget(session, controller.signal)
    await collectGarbage()
    expect(input.deref()?.[99_999]).toBe(1)

    controller.abort()
    await run
    await collectGarbage()
    expect(input.deref()).toBeUndefined()
  })

  /** An endless run on tensors and a binding that nothing refers to once this returns. */
  function startAndForget(session: RuntimeSession, signal: AbortSignal) {
    const data = new Float32Array(100_000).fill(1)
    const binding = session
      .bind()
      .input('rounds', runtime.wrap('int64', [], BigInt64Array.of(10n ** 15n)))
      .input('x', runtime.wrap('float32', [data.length], data))
      .outputOnHost('y')
    return { run: expectError(() => binding.run({ signal }), 'request.cancelled', /./), input: new WeakRef(data) }
  }

  it('is not freed while a binding holds it', async () => {
    using session = await runtime.load(adder())
    const bind = () => {
      const x = runtime.wrap('float32', [50_000, 2], new Float32Array(100_000).fill(1))
      return session.bind().input('x', x).outputOnHost('y')
    }
    using binding = bind()
    await collectGarbage()
    await binding.run()
    expect(new Set(binding.read('y').data as Float32Array)).toEqual(new Set([11, 21]))
  })
})

describe('native objects', () => {
  it('do not pile up over 300 runs with new tensors and bindings', async () => {
    using session = await runtime.load(adder())
    const rows = 32_768 // 256 KiB a tensor
    const step = async () => {
      using x = runtime.allocate('float32', [rows, 2])
      using y = runtime.allocate('float32', [rows, 2])
      x.data.fill(1 as never)
      using binding = session.bind().input('x', x).output('y', y)
      await binding.run()
      expect(y.data[1]).toBe(21)
    }
    await step()
    const [handles, rss] = [await settledHandles(), process.memoryUsage.rss()]
    for (let round = 0; round < 300; round++) await step()
    expect(liveHandles()).toBe(handles)
    await collectGarbage()
    // The runs wrote 150 MiB.
    expect(process.memoryUsage.rss() - rss).toBeLessThan(100 * 2 ** 20)
  })

  it('that nobody disposed are freed by the garbage collector', async () => {
    const before = await settledHandles()
    await forgetEverything()
    expect(liveHandles()).toBeGreaterThan(before)
    expect(await settledHandles()).toBe(before)
  })

  async function forgetEverything(): Promise<void> {
    const session = await runtime.load(adder())
    const binding = session
      .bind()
      .input('x', runtime.allocate('float32', [1, 2]))
      .outputOnHost('y')
    await binding.run()
  }
})
