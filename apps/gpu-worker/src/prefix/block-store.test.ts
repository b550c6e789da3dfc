import { describe, expect, it } from 'vitest'
import { BlockStore } from './block-store.ts'

/** A chain by letters: `abc` is the block `c` behind `b` behind `a`. */
const keys = (chain: string) => Array.from(chain, (_, at) => chain.slice(0, at + 1))

/** A store of blocks of ten bytes, each chain added block by block. */
function storeOf(capacityBytes: number, ...chains: string[]) {
  const store = new BlockStore<{ bytes: number }>(capacityBytes)
  for (const chain of chains) {
    for (const at of keys(chain).keys()) store.add(keys(chain).slice(0, at + 1), { bytes: 10 })
  }
  return store
}

describe('BlockStore', () => {
  it('gives as much of a chain as it has', () => {
    const store = storeOf(100, 'abc')
    expect(['abcd', 'abx', 'xbc'].map((chain) => store.use(keys(chain)).length)).toEqual([3, 2, 0])
  })

  it('lets the longest unused go first, the end of a chain before its beginning', () => {
    const store = storeOf(50, 'abc', 'xy')
    store.add(keys('xyz'), { bytes: 10 })
    expect(['a', 'ab', 'abc', 'xyz'].map((key) => store.has(key))).toEqual([true, true, false, true])
    store.use(keys('ab'))
    store.add(keys('m'), { bytes: 20 })
    expect(['a', 'ab', 'x', 'xy', 'xyz', 'm'].map((key) => store.has(key))).toEqual([
      true,
      true,
      true,
      false,
      false,
      true,
    ])
    expect(store.bytes).toBe(50)
  })

  it('keeps what several chains begin with for as long as one of them', () => {
    const store = storeOf(50, 'abc', 'aby')
    store.add(keys('abyz'), { bytes: 10 })
    store.add(keys('abyzz'), { bytes: 10 })
    expect([store.has('abc'), store.has('abyzz'), store.bytes]).toEqual([false, true, 50])
  })

  it('does not keep what has no room beside the blocks before it, nor throw others out for it', () => {
    const store = storeOf(40, 'abc', 'x')
    store.add(keys('abcd'), { bytes: 11 })
    expect([store.has('abcd'), store.has('x'), store.bytes]).toEqual([false, true, 40])
    store.add(keys('abcd'), { bytes: 10 })
    expect([store.has('abcd'), store.has('x'), store.bytes]).toEqual([true, false, 40])
  })
})
