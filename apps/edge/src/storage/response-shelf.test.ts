import { describe, expect, it } from 'vitest'
import { memoryDatabase } from '../testing/memory-shelf.ts'
import { ResponseShelf, type ShelfEntry, type ShelfLimits } from './response-shelf.ts'

const LIMITS: ShelfLimits = { totalBytes: 10_000, responseBytes: 5_000 }
const MOST = { responses: 10, bytes: 100_000 }

function shelfAt(time: { nowMs: number } = { nowMs: 0 }, limits = LIMITS) {
  const database = memoryDatabase()
  return { database, shelf: new ResponseShelf(database, limits, () => time.nowMs) }
}

function entry(id: string, facts: Partial<ShelfEntry> = {}): ShelfEntry {
  const item = (name: string) => ({ id: `${name}_${id}`, json: JSON.stringify(`${name} of ${id}`) })
  return {
    id,
    previous: null,
    expiresMs: 1000,
    response: `"${id}"`,
    input: [item('in')],
    output: [item('out')],
    ...facts,
  }
}

const padded = (id: string, bytes: number) => entry(id, { response: 'x'.repeat(bytes), input: [], output: [] })

describe('a shelf', () => {
  it('gives back what was put', () => {
    const { shelf } = shelfAt()
    expect(shelf.put(entry('a'))).toBe(true)
    expect(shelf.get('a')).toEqual({ response: '"a"', output: ['"out of a"'] })
    expect(shelf.input('a')).toEqual(['"in of a"'])
    expect([shelf.get('b'), shelf.input('b')]).toEqual([undefined, undefined])
  })

  it('keeps texts larger than a row, whatever characters are where they are cut', () => {
    const { database, shelf } = shelfAt(undefined, { totalBytes: 8_000_000, responseBytes: 8_000_000 })
    const long = `${'x'.repeat(512 * 1024 - 1)}\u{1f600}${'\u00e9'.repeat(600_000)}`
    shelf.put(entry('a', { response: long, input: [{ id: 'i', json: long }] }))
    expect(shelf.get('a')?.response).toBe(long)
    expect(shelf.input('a')).toEqual([long])
    expect(shelf.items(['i'], 8_000_000)).toEqual({ found: 'items', items: [long] })
    const longest = 'SELECT MAX(LENGTH(CAST(text AS BLOB))) AS bytes FROM pieces'
    expect(database.exec<{ bytes: number }>(longest).toArray()[0]?.bytes).toBeLessThan(2_000_000)
  })

  it('is there again when it is opened again', () => {
    const { database, shelf } = shelfAt()
    shelf.put(entry('a'))
    expect(new ResponseShelf(database, LIMITS, () => 0).get('a')).toEqual(shelf.get('a'))
  })

  it('forgets a deleted response, all of it', () => {
    const { database, shelf } = shelfAt()
    shelf.put(entry('a'))
    expect([shelf.delete('a'), shelf.delete('a')]).toEqual([true, false])
    expect(database.exec('SELECT * FROM pieces').toArray()).toEqual([])
    expect(shelf.items(['in_a'], 1000)).toEqual({ found: 'nothing' })
  })
})

describe('the history of a response', () => {
  it('is what was asked and answered, oldest first', () => {
    const { shelf } = shelfAt()
    for (const [id, previous] of [
      ['a', null],
      ['b', 'a'],
      ['fork', 'a'],
      ['c', 'b'],
    ] as const) {
      shelf.put(entry(id, { previous }))
    }
    const items = ['a', 'b', 'c'].flatMap((id) => [`"in of ${id}"`, `"out of ${id}"`])
    expect(shelf.history('c', MOST)).toEqual({ found: 'items', items })
  })

  it('is not had in part', () => {
    const { shelf } = shelfAt()
    shelf.put(entry('a'))
    shelf.put(entry('b', { previous: 'a' }))
    expect(shelf.history('b', { ...MOST, responses: 1 })).toEqual({ found: 'too_much' })
    expect(shelf.history('b', { ...MOST, bytes: 40 })).toEqual({ found: 'too_much' })
    shelf.delete('a')
    expect(shelf.history('b', MOST)).toEqual({ found: 'nothing' })
  })

  it('that goes in a circle comes to an end', () => {
    const { shelf } = shelfAt()
    shelf.put(entry('a', { previous: 'a' }))
    expect(shelf.history('a', MOST)).toEqual({ found: 'too_much' })
  })
})

describe('items by their ids', () => {
  it('come in the order asked for, of several the newest, and not too many', () => {
    const { shelf } = shelfAt()
    shelf.put(entry('a'))
    shelf.put(entry('b', { input: [{ id: 'in_a', json: '"newer"' }] }))
    expect(shelf.items(['out_b', 'in_a', 'out_b'], 100)).toEqual({
      found: 'items',
      items: ['"out of b"', '"newer"', '"out of b"'],
    })
    expect(shelf.items(['out_b', 'out_b'], 15)).toEqual({ found: 'too_much' })
    expect(shelf.items(['out_b', 'none'], 100)).toEqual({ found: 'nothing' })
    // A response is no item, whatever its id.
    expect(shelf.items(['a'], 100)).toEqual({ found: 'nothing' })
  })
})

describe('what a shelf holds', () => {
  it('expires, and is asked for no more from then on', () => {
    const time = { nowMs: 0 }
    const { database, shelf } = shelfAt(time)
    shelf.put(entry('a', { expiresMs: 500 }))
    shelf.put(entry('b', { expiresMs: 900, previous: 'a' }))
    time.nowMs = 500
    expect([shelf.get('a'), shelf.get('b')]).toEqual([undefined, expect.anything()])
    expect(shelf.history('b', MOST)).toEqual({ found: 'nothing' })
    expect(shelf.items(['in_a'], 100)).toEqual({ found: 'nothing' })
    expect(shelf.sweep()).toBe(900)
    expect(database.exec('SELECT id FROM responses').toArray()).toMatchObject([{ id: 'b' }])
    time.nowMs = 900
    expect(shelf.sweep()).toBeUndefined()
    expect(database.exec('SELECT * FROM pieces').toArray()).toEqual([])
  })

  it('is bounded: the oldest make room, and what is too long is not kept', () => {
    const { shelf } = shelfAt()
    expect(shelf.put(padded('long', 5001))).toBe(false)
    for (const id of ['a', 'b', 'c']) expect(shelf.put(padded(id, 4000))).toBe(true)
    expect(['a', 'b', 'c', 'long'].filter((id) => shelf.get(id) !== undefined)).toEqual(['b', 'c'])
  })

  it('is counted in bytes, not in characters', () => {
    const { shelf } = shelfAt()
    expect(shelf.put(entry('a', { response: '\u20ac'.repeat(1700) }))).toBe(false)
  })

  it('is all of a response or nothing of it', () => {
    const { database, shelf } = shelfAt()
    shelf.put(entry('a'))
    expect(() => shelf.put(entry('a'))).toThrow()
    expect(database.exec('SELECT * FROM pieces').toArray()).toHaveLength(3)
    expect(shelf.get('a')).toEqual({ response: '"a"', output: ['"out of a"'] })
  })
})
