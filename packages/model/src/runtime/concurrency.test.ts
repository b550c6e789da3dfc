import { setImmediate, setTimeout } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import type { RuntimeBinding, RuntimeSession } from '../graph/runtime.ts'
import { liveHandles } from './handle.ts'
import { OrtRuntime } from './ort-runtime.ts'
import { expectError } from './testing/expect-error.ts'
import { settledHandles } from './testing/garbage.ts'
import { adder, chain, repeater } from './testing/tiny-models.ts'

const runtime = new OrtRuntime({ threads: 1, concurrentRuns: 2 })
const session = await runtime.load(repeater())

/** So many that a run takes days: it ends when it is stopped. */
const FOREVER = 10n ** 15n

function repeat(of: RuntimeSession, rounds: bigint, ...values: number[]): RuntimeBinding {
  return of
    .bind()
    .input('rounds', runtime.wrap('int64', [], BigInt64Array.of(rounds)))
    .input('x', runtime.wrap('float32', [values.length], Float32Array.from(values)))
    .outputOnHost('y')
}

async function resultOf(binding: RuntimeBinding): Promise<number[]> {
  await binding.run()
  return Array.from(binding.read('y').data, Number)
}

describe('a run', () => {
  it('stops in the middle when its signal aborts, and its binding and session stay usable', async () => {
    using binding = repeat(session, FOREVER, 1, 2)
    const controller = new AbortController()
    const run = expectError(() => binding.run({ signal: controller.signal }), 'request.cancelled', /./)
    await setTimeout(20)
    controller.abort(new Error('the client left'))
    await run
    await expectError(() => binding.read('y'), 'runtime.failed', /expected a completed run/)
    binding.input('rounds', runtime.wrap('int64', [], BigInt64Array.of(3n)))
    expect(await resultOf(binding)).toEqual([3, 6])
    expect(await resultOf(repeat(session, 2n, 5))).toEqual([10])
  })

  it('never starts when its signal has aborted', async () => {
    using y = runtime.wrap('float32', [1], Float32Array.of(-1))
    using binding = repeat(session, 1n, 5).output('y', y)
    await expectError(() => binding.run({ signal: AbortSignal.abort() }), 'request.cancelled', /./)
    expect(y.data[0]).toBe(-1)
    await binding.run({ signal: new AbortController().signal })
    expect(y.data[0]).toBe(5)
  })

  it('is not disturbed by a signal that aborts after its end', async () => {
    using binding = repeat(session, 2n, 5)
    const controller = new AbortController()
    await binding.run({ signal: controller.signal })
    controller.abort()
    expect(binding.read('y').data).toEqual(Float32Array.of(10))
  })

  it('leaves the event loop to others', async () => {
    using binding = repeat(session, FOREVER, 1)
    const controller = new AbortController()
    const run = expectError(() => binding.run({ signal: controller.signal }), 'request.cancelled', /./)
    // While the run goes on, timers and immediates do too; were the loop blocked, this would never end.
    for (let turn = 0; turn < 20; turn++) {
      await setTimeout(1)
      await setImmediate()
    }
    controller.abort()
    await run
  })
})

describe('two runs at a time', () => {
  it('on two bindings of one session give what they give one after the other', async () => {
    const bindings = [1, 2, 3, 4, 5, 6].map((value) => repeat(session, 2000n, value, -value, value / 2))
    const together = await Promise.all(bindings.map(resultOf))
    const serial: number[][] = []
    for (const binding of bindings) serial.push(await resultOf(binding))
    expect(together).toEqual(serial)
    expect(serial[2]).toEqual([6000, -6000, 3000])
  })

  it('really overlap', async () => {
    using endless = repeat(session, FOREVER, 1)
    const controller = new AbortController()
    const run = expectError(() => endless.run({ signal: controller.signal }), 'request.cancelled', /./)
    expect(await resultOf(repeat(session, 3n, 1))).toEqual([3]) // ends although the first does not
    controller.abort()
    await run
  })

  it('are the limit: the third waits, over all sessions of the runtime', async () => {
    using other = await runtime.load(adder())
    using x = runtime.wrap('float32', [1, 2], Float32Array.of(1, 2))
    using third = other.bind().input('x', x).outputOnHost('y')
    const controllers = [new AbortController(), new AbortController()] as const
    const endless = controllers.map(({ signal }) =>
      expectError(() => repeat(session, FOREVER, 1).run({ signal }), 'request.cancelled', /./),
    )
    const leaving = new AbortController()
    const left = expectError(() => third.run({ signal: leaving.signal }), 'request.cancelled', /./)
    await setTimeout(20)
    await expectError(() => third.run(), 'runtime.failed', /idle binding/) // still in the queue
    leaving.abort()
    await left

    const waiting = third.run()
    x.data[0] = 5 // not read before the run starts
    controllers[0].abort()
    await waiting
    expect(third.read('y').data).toEqual(Float32Array.of(15, 22))
    controllers[1].abort()
    await Promise.all(endless)
  })
})

describe('a load', () => {
  it('never starts when its signal has aborted', async () => {
    const signal = AbortSignal.abort()
    await expectError(() => runtime.load(Uint8Array.of(1), { signal }), 'request.cancelled', /./)
  })

  it('stops when its signal aborts', async () => {
    const before = await settledHandles()
    const controller = new AbortController()
    const load = () => runtime.load(chain(5000), { signal: controller.signal })
    const stopped = expectError(load, 'request.cancelled', /./)
    await setImmediate() // by now another thread is at work, and will be for a while
    controller.abort()
    await stopped
    expect(liveHandles()).toBe(before)
  })

  it('takes a signal that does not abort', async () => {
    using loaded = await runtime.load(repeater(), { signal: new AbortController().signal })
    expect(await resultOf(repeat(loaded, 4n, 2))).toEqual([8])
  })
})
