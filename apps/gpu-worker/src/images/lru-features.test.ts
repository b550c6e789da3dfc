import { describe, expect, it } from 'vitest'
import { LruFeatures } from './lru-features.ts'

const bytes = (count: number) => new Float32Array(count / 4)

describe('LruFeatures', () => {
  it('keeps within its budget and drops the longest unused first', () => {
    const cache = new LruFeatures(100)
    cache.set('a', bytes(40))
    cache.set('b', bytes(40))
    cache.get('a')
    cache.set('c', bytes(40))
    expect(['a', 'b', 'c'].filter((key) => cache.has(key))).toEqual(['a', 'c'])
    expect(cache.bytes).toBe(80)
  })

  it('does not count a look as a use', () => {
    const cache = new LruFeatures(80)
    cache.set('a', bytes(40))
    cache.set('b', bytes(40))
    cache.has('a')
    cache.set('c', bytes(40))
    expect(cache.has('a')).toBe(false)
  })

  it('counts a key that is set twice once', () => {
    const cache = new LruFeatures(100)
    cache.set('a', bytes(40))
    cache.set('a', bytes(60))
    expect([cache.bytes, cache.get('a')?.byteLength]).toEqual([60, 60])
  })

  it('does not keep what is larger than the budget, nor throw others out for it', () => {
    const cache = new LruFeatures(100)
    cache.set('a', bytes(40))
    cache.set('b', bytes(104))
    expect([cache.has('a'), cache.has('b'), cache.bytes]).toEqual([true, false, 40])
  })
})
