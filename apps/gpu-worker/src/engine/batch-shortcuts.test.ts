import { describe, expect, it } from 'vitest'
import {
  type Asked,
  createEngine,
  ENGINE_IDS,
  halfOracle,
  longRequest,
  promptOf,
  soloAnswers,
} from '../testing/engine-fixture.ts'

/** Whether an answer ended with its end token, which is chosen but not told. */
const endsByItself = ({ events }: Asked) =>
  events.some((event) => event.type === 'done' && event.finishReason === 'stop')

describe('a draft', () => {
  it('is computed in one run, and kept as far as it is what would have been chosen', async () => {
    const request = longRequest(20)
    const { ask, pool, seen } = createEngine({ speculator: halfOracle })
    const asked = ask(request)
    await asked.ended
    expect(asked.answers).toEqual(soloAnswers(request))
    const tokens = asked.answers[0]?.length ?? 0
    expect(pool.batches.length + pool.chunks.length).toBeLessThan(tokens / 2)
    const told = asked.events.filter(({ type }) => type === 'token').length
    expect(seen.steps.reduce((sum, { decoded }) => sum + decoded, 0)).toBeLessThanOrEqual(told + 1)
  })

  it('is not made while others share the step', async () => {
    const drafts: number[] = []
    const propose = (ids: Int32Array) => {
      drafts.push(ids.length)
      return new Int32Array()
    }
    const { ask } = createEngine({ speculator: { ...halfOracle, open: () => ({ propose, judged: () => {} }) } })
    const asked = [ask(longRequest(10)), ask(longRequest(10))]
    await Promise.all(asked.map(({ ended }) => ended))
    expect(drafts.length).toBeLessThan(2) // the second begins one step later, and ends alone
  })

  it('is judged, and every run of a sequence that is alone is timed', async () => {
    const judged: (readonly [number, number])[] = []
    const timed: number[] = []
    const { ask, pool } = createEngine({
      speculator: {
        open: () => ({
          propose: (ids, most) => halfOracle.open().propose(ids, ids.length % 2 === 0 ? most : 0),
          judged: (drafted, accepted) => judged.push([drafted, accepted]),
        }),
        timed: (tokens) => timed.push(tokens),
      },
    })
    const asked = ask(longRequest(20))
    await asked.ended
    const drafts = pool.chunks.slice(1).map(({ ids }) => ids.length - 1)
    expect(judged.map(([drafted]) => drafted)).toEqual(drafts)
    expect(judged.every(([drafted, accepted]) => accepted <= drafted)).toBe(true)
    const [kept, runs] = [judged.reduce((sum, [, accepted]) => sum + accepted, 0), timed.length]
    expect(kept + runs).toBe(asked.events.filter(({ type }) => type === 'token').length - (endsByItself(asked) ? 0 : 1))
    expect(timed.filter((tokens) => tokens > 1)).toEqual(drafts.map((drafted) => drafted + 1))
  })

  it('used to be made before there was a first token, and other answers to the prompt never came', async () => {
    const request = { ids: promptOf(3, { text: 9 }), seeds: [0, 1, 2] }
    const { ask } = createEngine({ slots: 3, chunkTokens: 8, speculator: halfOracle })
    const asked = ask(request)
    expect(await asked.ended).toBeUndefined()
    expect(asked.answers).toEqual(soloAnswers(request))
  })

  it('never holds a place of a picture, and never outgrows the answer', async () => {
    const asks: number[] = []
    const propose = (ids: Int32Array, most: number) => {
      asks.push(most)
      return halfOracle.open().propose(ids, most).fill(ENGINE_IDS.image, Math.min(2, most))
    }
    const request = longRequest(9, { maxTokens: 9 })
    const { ask } = createEngine({ speculator: { ...halfOracle, open: () => ({ propose, judged: () => {} }) } })
    const asked = ask(request)
    expect(await asked.ended).toBeUndefined()
    expect(asked.answers).toEqual(soloAnswers(request))
    expect(Math.max(...asks)).toBe(7)
  })
})

describe('a prefix that is known', () => {
  it('is not computed again, and what is computed is offered', async () => {
    const stored: number[] = []
    const donor = createEngine({ slots: 1 })
    const request = { ids: promptOf(3, { text: 20 }), seeds: [0, 4] }
    const { ask, pool } = createEngine({
      slots: 2,
      prefixes: {
        open: () => ({
          match: () => [known],
          store: (ids, slot) => {
            stored.push(slot.save(slot.heldFrom, ids.length).tokens)
          },
        }),
      },
    })
    await donor.pool.prefill(0, Int32Array.from(request.ids), [])
    const known = donor.pool.save(0, 0, 16)
    const asked = ask(request)
    await asked.ended
    expect(asked.answers).toEqual(soloAnswers(request))
    expect(pool.chunks.map(({ from, ids }) => [from, ids.length])).toEqual([[16, 4]])
    expect(asked.events.filter(({ type }) => type === 'done')).toEqual([
      expect.objectContaining({ cachedTokens: 16 }),
      expect.objectContaining({ cachedTokens: 16 }),
    ])
    expect(stored[0]).toBe(20)
  })
})
