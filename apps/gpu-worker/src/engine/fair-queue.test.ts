import { describe, expect, it } from 'vitest'
import { FairQueue } from './fair-queue.ts'

const item = (tenant: string, name: string, priority = 0, tokens = 1) => ({ tenant, name, priority, tokens })
const any = (waiting: ReturnType<typeof item>): waiting is ReturnType<typeof item> => waiting.tokens > 0
const LIMITS = { requests: 10, requestsPerTenant: 6, tokens: 100 }

function drain(queue: FairQueue<ReturnType<typeof item>>): string[] {
  const names: string[] = []
  for (let next = queue.shift(any); next !== undefined; next = queue.shift(any)) names.push(next.name)
  return names
}

function filled(...items: ReturnType<typeof item>[]): FairQueue<ReturnType<typeof item>> {
  const queue = new FairQueue<ReturnType<typeof item>>(LIMITS)
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
    expect(queue.shift(any)?.name).toBe('a1')
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
    expect(queue.shift(isNotA1)?.name).toBe('b1')
    expect(drain(queue)).toEqual(['a1', 'a2', 'late'])
  })

  it('forgets an item that gave up', () => {
    const [first, second] = [item('a', 'a1', 0, 7), item('b', 'b1', 0, 2)]
    const queue = filled(first, second)
    expect(queue.remove(first)).toBe(true)
    expect(queue.remove(first)).toBe(false)
    expect([queue.size, queue.tokens]).toEqual([1, 2])
    expect(drain(queue)).toEqual(['b1'])
    expect([queue.size, queue.tokens, queue.shift(any)]).toEqual([0, 0, undefined])
  })
})
