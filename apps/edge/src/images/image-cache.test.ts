import { describe, expect, it } from 'vitest'
import { createImageCache } from './image-cache.ts'

const image = (bytes: number) => ({ bytes: new Uint8Array(bytes), rules: { freshUntilMs: 0 } })
const key = (url: string, tenant = 'a') => ({ tenant, url })

describe('createImageCache', () => {
  it('gives a picture to the tenant that fetched it and to no other', () => {
    const cache = createImageCache({ maxBytes: 100, maxImageBytes: 100 })
    cache.put(key('x'), image(10))
    expect(cache.get(key('x'))?.bytes.byteLength).toBe(10)
    expect(cache.get(key('x', 'b'))).toBeUndefined()
    expect(cache.get(key('x","y', 'b'))).toBeUndefined()
  })

  it('lets go of what was unused for longest when there is no room', () => {
    const cache = createImageCache({ maxBytes: 30, maxImageBytes: 30 })
    for (const url of ['x', 'y', 'z']) cache.put(key(url), image(10))
    cache.get(key('x'))
    cache.put(key('w'), image(15))
    const held = ['w', 'x', 'y', 'z'].filter((url) => cache.get(key(url)) !== undefined)
    expect(held).toEqual(['w', 'x'])
  })

  it('counts a picture once, however often it is put', () => {
    const cache = createImageCache({ maxBytes: 30, maxImageBytes: 30 })
    cache.put(key('x'), image(10))
    for (let time = 0; time < 9; time++) cache.put(key('y'), image(20))
    expect(cache.get(key('x'))).toBeDefined()
  })

  it('keeps no picture above the limit, nor the one it would replace', () => {
    const cache = createImageCache({ maxBytes: 30, maxImageBytes: 10 })
    cache.put(key('x'), image(10))
    cache.put(key('x'), image(11))
    expect(cache.get(key('x'))).toBeUndefined()
  })
})
