import { describe, expect, it } from 'vitest'
import { createEngine, gate, longRequest, promptOf, soloAnswers, turns } from '../testing/engine-fixture.ts'

describe('priority', () => {
  it.each([true, false])(
    'takes the slot of a lesser request, which loses nothing (memory that moves: %s)',
    async (isMovable) => {
      const { ask, seen, pool } = createEngine({ slots: 1, isMovable })
      const low = longRequest(12, { priority: 5, seeds: [3] })
      const slow = ask(low)
      await turns(8)
      const soFar = slow.answers[0]?.length ?? 0
      const urgent = ask({ ids: promptOf(9), priority: -1, seeds: [4] })
      await urgent.ended
      expect(soFar).toBeGreaterThan(1)
      expect(slow.answers[0]?.length).toBeLessThan(12)
      expect(await slow.ended).toBeUndefined()
      expect(slow.answers).toEqual(soloAnswers(low))
      expect(seen.preemptions).toBe(1)
      const recomputed = pool.chunks.filter(({ from }) => from === 0).length
      expect(recomputed).toBe(isMovable ? 2 : 3)
    },
  )

  it('sends away the worst, of equal ones the newest, and nobody for an equal', async () => {
    const { ask, pool, seen } = createEngine({ slots: 3 })
    const oldest = ask(longRequest(20, { priority: 1 }))
    const newest = ask(longRequest(20, { priority: 1, seeds: [2] }))
    const good = ask(longRequest(20, { priority: 0, seeds: [3] }))
    await turns(6)
    const equal = ask({ ids: promptOf(8), priority: 1 })
    await turns(4)
    expect(seen.preemptions).toBe(0)
    const before = newest.answers[0]?.length
    const better = ask(longRequest(6, { priority: 0, seeds: [4] }))
    await turns(6)
    expect(seen.preemptions).toBe(1)
    expect(newest.answers[0]?.length).toBeLessThanOrEqual((before ?? 0) + 1)
    await Promise.all([oldest, newest, good, equal, better].map(({ ended }) => ended))
    expect(pool.heldSlots).toBe(0)
  })

  it('does not take a slot again at once that was waited for long enough', async () => {
    let nowMs = 0
    const { ask, world, seen } = createEngine({ slots: 1, now: () => nowMs })
    const hold = gate()
    world.hold = () => hold.promise
    const first = ask({ ids: promptOf(0) })
    const patient = ask(longRequest(6, { priority: 1 }))
    await turns(2)
    nowMs += 10_000
    const equal = ask({ ids: promptOf(2), priority: 0 })
    hold.resolve()
    await patient.ended
    expect([seen.preemptions, equal.answers]).toEqual([0, [[]]])
    expect(await Promise.all([first, equal].map(({ ended }) => ended))).toEqual([undefined, undefined])
  })

  it('computes the prompt of the more important first', async () => {
    const { ask, pool } = createEngine({ slots: 2, chunkTokens: 4 })
    const asked = [ask({ ids: promptOf(1, { text: 24 }) }), ask({ ids: promptOf(2, { text: 12 }), priority: -1 })]
    await Promise.all(asked.map(({ ended }) => ended))
    expect(pool.chunks.map(({ slot }) => slot).slice(0, 5)).toEqual([0, 1, 1, 1, 0])
  })
})

describe('preemption', () => {
  it('of a sequence that has computed nothing yet used to end everybody', async () => {
    const { ask, seen } = createEngine({ slots: 2, chunkTokens: 4 })
    const low = [1, 2].map((n) => ({ ids: promptOf(n, { text: 20 }), priority: 1 }))
    const urgent = [3, 4].map((n) => ({ ids: promptOf(n, { text: 20 }), priority: 0 }))
    const slow = low.map(ask)
    const fast = urgent.map(ask)
    expect(await Promise.all([...slow, ...fast].map(({ ended }) => ended))).toEqual(Array(4).fill(undefined))
    expect(slow.map(({ answers }) => answers)).toEqual(low.map(soloAnswers))
    expect(seen.preemptions).toBe(2)
  })

  it('costs no turn: who gave up a slot is the next of its priority to get one', async () => {
    const { ask, seen } = createEngine({ slots: 1 })
    const sentAway = ask(longRequest(12, { priority: 1, tenant: 'b' }))
    await turns(5)
    const waiting = ask({ ids: promptOf(2), priority: 1, tenant: 'a' })
    const urgent = ask({ ids: promptOf(3), priority: 0, tenant: 'c' })
    await urgent.ended
    expect(seen.preemptions).toBe(1)
    await sentAway.ended
    expect(waiting.events).toEqual([])
    expect(await waiting.ended).toBeUndefined()
  })

  it('takes out as much as all slots hold, and computes the rest again', async () => {
    const { ask, pool, seen } = createEngine({ slots: 1 })
    const requests = [3, 2, 1, 0].map((priority) => longRequest(9, { priority, seeds: [priority + 1] }))
    const asked = []
    for (const request of requests) {
      asked.push(ask(request))
      await turns(7)
    }
    await Promise.all(asked.map(({ ended }) => ended))
    expect(asked.map(({ answers }) => answers)).toEqual(requests.map(soloAnswers))
    expect(seen.preemptions).toBe(3)
    expect(pool.chunks.filter(({ from }) => from === 0)).toHaveLength(4 + 2)
  })
})
