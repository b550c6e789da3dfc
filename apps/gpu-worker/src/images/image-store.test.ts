import { AppError } from '@loupe/shared/errors'
import { describe, expect, it } from 'vitest'
import { picture } from '../testing/worker-fixture.ts'
import { ImageStore } from './image-store.ts'

const never = new AbortController().signal

/** A store whose vision passes the test lets go one by one. */
function setup(capacityBytes = 1000) {
  const passes: {
    patches: Uint8Array
    signal: AbortSignal
    finish: (value: number) => void
    fail: (error: Error) => void
  }[] = []
  const encode = (patches: Uint8Array, signal: AbortSignal) => {
    const { promise, resolve, reject } = Promise.withResolvers<Float32Array>()
    signal.addEventListener('abort', () => reject(new AppError('request.cancelled')))
    passes.push({ patches, signal, finish: (value) => resolve(Float32Array.of(value)), fail: reject })
    return promise
  }
  return { passes, store: new ImageStore({ encode, capacityBytes }) }
}

const { patches, digest } = picture(1)

describe('ImageStore', () => {
  it('serves requests for the same picture with one vision pass', async () => {
    const { store, passes } = setup()
    const first = store.claim('t', [digest], [patches])
    const second = store.claim('t', [digest], []) // the first request brought the pixels
    const results = [first.features(never), second.features(never)]
    passes[0]?.finish(9)
    expect(await Promise.all(results)).toEqual([[Float32Array.of(9)], [Float32Array.of(9)]])
    expect([passes.length, first.cached, second.cached]).toEqual([1, 0, 1])
  })

  it('holds a picture, not the body it came in', async () => {
    const { store, passes } = setup()
    const body = new Uint8Array(3 * patches.byteLength)
    body.set(patches, patches.byteLength)
    const view = body.subarray(patches.byteLength, 2 * patches.byteLength)
    const features = store.claim('t', [digest], [view]).features(never)
    expect(passes[0]?.patches.every((byte) => byte === 1)).toBe(true)
    expect(passes[0]?.patches.buffer.byteLength).toBe(patches.byteLength)
    passes[0]?.finish(9)
    await features
  })

  it('looks once at a picture that a request shows twice', async () => {
    const { store, passes } = setup()
    const features = store.claim('t', [digest, digest], [patches]).features(never)
    passes[0]?.finish(9)
    expect(await features).toEqual([Float32Array.of(9), Float32Array.of(9)])
    expect(passes).toHaveLength(1)
  })

  it('goes on for the others when one of them leaves', async () => {
    const { store, passes } = setup()
    const leaving = new AbortController()
    const gone = store.claim('t', [digest], [patches]).features(leaving.signal)
    const stays = store.claim('t', [digest], []).features(never)
    leaving.abort(new Error('left'))
    await expect(gone).rejects.toThrow('left')
    passes[0]?.finish(9)
    expect(await stays).toEqual([Float32Array.of(9)])
    expect(passes[0]?.signal.aborted).toBe(false)
  })

  it('aborts the pass when the last one leaves, and starts anew for the next', async () => {
    const { store, passes } = setup()
    const leaving = new AbortController()
    const claim = store.claim('t', [digest], [patches])
    const gone = claim.features(leaving.signal)
    leaving.abort()
    const next = claim.features(never)
    await expect(gone).rejects.toMatchObject({ code: 'request.cancelled' })
    expect(passes[0]?.signal.aborted).toBe(true)
    await expect.poll(() => passes.length).toBe(2)
    passes[1]?.finish(9)
    expect(await next).toEqual([Float32Array.of(9)])
  })

  it('tries again after a failure', async () => {
    const { store, passes } = setup()
    const claim = store.claim('t', [digest], [patches])
    const failed = claim.features(never)
    passes[0]?.fail(new AppError('runtime.failed'))
    await expect(failed).rejects.toMatchObject({ code: 'runtime.failed' })
    const again = claim.features(never)
    passes[1]?.finish(9)
    expect(await again).toEqual([Float32Array.of(9)])
  })

  it('forgets a picture that nobody holds and whose features were never computed', () => {
    const { store } = setup()
    store.claim('t', [digest], [patches])[Symbol.dispose]()
    expect(() => store.claim('t', [digest], [])).toThrow(AppError)
  })

  it('keeps the features of a picture for a request that holds it, whatever the budget', async () => {
    const { store, passes } = setup(0)
    const claim = store.claim('t', [digest], [patches])
    const features = claim.features(never)
    passes[0]?.finish(9)
    await features
    expect(await claim.features(never)).toEqual([Float32Array.of(9)])
    claim[Symbol.dispose]()
    expect(() => store.claim('t', [digest], [])).toThrow(AppError)
    expect(passes).toHaveLength(1)
  })

  it('holds nothing of a claim that it refuses', () => {
    const { store } = setup()
    expect(() => store.claim('t', [digest, picture(2).digest], [patches])).toThrow(AppError)
    expect(() => store.claim('t', [digest], [])).toThrow(AppError)
  })
})
