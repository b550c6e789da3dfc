import { describe, expect, it } from 'vitest'
import { memoryDatabase } from '../testing/memory-shelf.ts'
import { FileShelf } from './file-shelf.ts'

const file = { filename: 'f', purpose: 'vision', bytes: 6, createdMs: 0, expiresMs: undefined } as const

function shelfOf() {
  const clock = { nowMs: 0 }
  return { clock, shelf: new FileShelf(memoryDatabase(), 10, () => clock.nowMs) }
}

describe('FileShelf', () => {
  it('has no room above the limit, but for what a batch has written', () => {
    const { shelf } = shelfOf()
    expect(shelf.keep({ ...file, id: 'a' })).toBe(true)
    expect(shelf.keep({ ...file, id: 'b' })).toBe(false)
    expect(shelf.keep({ ...file, id: 'c', purpose: 'batch_output' })).toBe(true)
    expect(shelf.keep({ ...file, id: 'd', bytes: 1 })).toBe(false)
  })

  it('names the bytes of an upload that never ended, and forgets it', () => {
    const { shelf, clock } = shelfOf()
    shelf.begin('a')
    expect([shelf.get('a'), shelf.due(), shelf.nextMs()]).toEqual([undefined, [], 3_600_000])
    clock.nowMs = 3_600_000
    expect(shelf.due()).toEqual(['a'])
    shelf.forget('a')
    expect([shelf.due(), shelf.nextMs()]).toEqual([[], undefined])
  })

  it('hides a file at once, and names it until its bytes are gone', () => {
    const { shelf } = shelfOf()
    shelf.keep({ ...file, id: 'a' })
    shelf.forget('a')
    expect(shelf.drop('a')).toBe(true)
    expect([shelf.get('a'), shelf.drop('a'), shelf.due()]).toEqual([undefined, false, ['a']])
  })
})
