import { describe, expect, it } from 'vitest'
import { FairQueue } from './fair-queue.ts'

const item = (tenant: string, name: string, priority = 0, tokens = 1) => ({ tenant, name, priority, tokens })
const any = (waiting: ReturnType<typeof item>): waiting is ReturnType<typeof item> => waiting.tokens > 0
const LIMITS = { requests: 10, requestsPerTenant: 6, tokens: 100 }

function shift(queue: FairQueue<ReturnType<typeof item>>, isReady = any) {
  const next = queue.first(isReady)
  if (next !== undefined) queue.take(next)
  return next
}

function drain(queue: FairQueue<ReturnType<typeof item>>): string[] {
  const names: string[] = []
  for (let next = shift(queue); next !== undefined; next = shift(queue)) names.push(next.name)
  return names
}

let nowMs = 0

function filled(...items: ReturnType<typeof item>[]): FairQueue<ReturnType<typeof item>> {
  const queue = new FairQueue<ReturnType<typeof item>>(LIMITS, () => nowMs)
  for (const each of items) queue.push(each)
  return queue
}

describe('FairQueue', () => {
  it('takes one item of each tenant in turn, first come first served inside a tenant', () => {
    const queue = filled(
      item('a', 'a1'),
      item('a', 'a2'),
      item('a', 'a3'),
      item('b', 'b1'),
      item('c', 'c1'),
      item('b', 'b2'),
    )
    expect(drain(queue)).toEqual(['a1', 'b1', 'c1', 'a2', 'b2', 'a3'])
  })

  it('serves a tenant that comes late before the second item of another', () => {
    const queue = filled(item('a', 'a1'), item('a', 'a2'), item('a', 'a3'))
    expect(shift(queue)?.name).toBe('a1')
    queue.push(item('b', 'b1'))
    expect(drain(queue)).toEqual(['a2', 'b1', 'a3'])
  })

  it('takes the best priority first', () => {
    expect(drain(filled(item('a', 'low', 5), item('a', 'normal'), item('b', 'high', -5)))).toEqual([
      'high',
      'normal',
      'low',
    ])
  })

  it('is bounded by requests, by those of one tenant and by tokens', () => {
    const queue = filled(...Array.from({ length: 6 }, (_, n) => item('a', `a${n}`)))
    expect(queue.hasRoomFor(item('a', 'a6'))).toBe(false)
    expect(queue.hasRoomFor(item('b', 'b0', 0, 95))).toBe(false)
    expect(queue.hasRoomFor(item('b', 'b0', 0, 94))).toBe(true)
    for (let n = 0; n < 4; n++) queue.push(item('b', `b${n}`))
    expect(queue.hasRoomFor(item('c', 'c0'))).toBe(false)
  })

  it('takes an item larger than its budget when it is empty', () => {
    expect(filled().hasRoomFor(item('a', 'a0', 0, 1000))).toBe(true)
  })

  it('puts back what had its turn before all others of its priority', () => {
    const queue = filled(item('a', 'a1'), item('b', 'b1'), item('b', 'b2'), item('c', 'urgent', -1))
    const taken = item('b', 'b0', 0, 3)
    queue.pushFront(taken)
    expect([queue.size, queue.tokens]).toEqual([5, 7])
    expect(drain(queue)).toEqual(['urgent', 'b0', 'a1', 'b1', 'b2'])
  })

  it('passes over what is not ready, and lists all in the order of their turns', () => {
    const queue = filled(item('a', 'a1'), item('a', 'a2'), item('b', 'b1'), item('a', 'late', 1))
    expect([...queue.inOrder()].map(({ name }) => name)).toEqual(['a1', 'b1', 'a2', 'late'])
    const isNotA1 = (waiting: ReturnType<typeof item>): waiting is ReturnType<typeof item> => waiting.name !== 'a1'
    expect(queue.first(isNotA1)?.name).toBe('b1')
    expect(shift(queue, isNotA1)?.name).toBe('b1')
    expect(drain(queue)).toEqual(['a1', 'a2', 'late'])
  })

  it('puts back several in their order', () => {
    const queue = filled(item('a', 'a1'))
    for (const name of ['b1', 'b2']) queue.pushFront(item('b', name))
    expect(drain(queue)).toEqual(['b1', 'b2', 'a1'])
  })

  it('counts ten seconds of waiting as one class, so that nobody waits for ever', () => {
    const low = item('a', 'low', 2)
    const queue = filled(low)
    nowMs += 19_999
    queue.push(item('b', 'normal', 1))
    expect([queue.standingOf(low), [...queue.inOrder()].map(({ name }) => name)]).toEqual([1, ['low', 'normal']])
    queue.push(item('c', 'high', 0))
    expect(queue.first(any)?.name).toBe('high')
    nowMs += 1
    expect(drain(queue)).toEqual(['low', 'high', 'normal'])
  })

  it('forgets an item that gave up', () => {
    const [first, second] = [item('a', 'a1', 0, 7), item('b', 'b1', 0, 2)]
    const queue = filled(first, second)
    expect(queue.remove(first)).toBe(true)
    expect(queue.remove(first)).toBe(false)
    expect([queue.size, queue.tokens]).toEqual([1, 2])
    expect(drain(queue)).toEqual(['b1'])
    expect([queue.size, queue.tokens, shift(queue)]).toEqual([0, 0, undefined])
  })
})
