import { describe, expect, it } from 'vitest'
import { PromptSpeculator } from './prompt-speculator.ts'

/** Forty lines of three tokens, and the first two of one more. */
const REPETITIVE = Int32Array.from({ length: 122 }, (_, at) => 10 + (at % 3))

/** A speculator that knows what a machine takes, and a sequence. */
function speculatorOn(costOf: (tokens: number) => number) {
  const speculator = new PromptSpeculator({ tokens: 'auto' })
  for (let round = 0; round < 20; round++)
    for (const tokens of [1, 2, 4, 8, 16]) speculator.timed(tokens, costOf(tokens))
  return speculator
}

/** How long drafts are one after the other when so many tokens of each are right. */
function lengths(speculator: PromptSpeculator, rounds: number, right: (drafted: number, round: number) => number) {
  const drafter = speculator.open()
  return Array.from({ length: rounds }, (_, round) => {
    const { length } = drafter.propose(REPETITIVE, 15)
    if (length > 0) drafter.judged(length, right(length, round))
    return length
  })
}

const CHEAP = (tokens: number) => 100 + 3 * tokens
const DEAR = (tokens: number) => 100 * tokens

describe('a PromptSpeculator', () => {
  it('guesses as much as it may where guesses are right and cost little', () => {
    expect(lengths(speculatorOn(CHEAP), 20, (drafted) => drafted).at(-1)).toBe(15)
  })

  it('guesses nothing where a run over several tokens costs as much as several runs', () => {
    expect(new Set(lengths(speculatorOn(DEAR), 50, (drafted) => drafted))).toEqual(new Set([0]))
  })

  it('stops where guesses are wrong, and tries again later', () => {
    const made = lengths(
      speculatorOn((tokens) => 80 + 20 * tokens),
      200,
      () => 0,
    )
    expect(made[0]).toBeGreaterThan(0)
    const tries = made.filter((length) => length > 0).length
    expect(tries).toBeGreaterThan(2)
    expect(tries).toBeLessThan(30)
  })

  it('tries where a second token is dear and further ones cost little', () => {
    const dearSecond = (tokens: number) => (tokens === 1 ? 100 : 200 + 5 * tokens)
    expect(lengths(speculatorOn(dearSecond), 20, (drafted) => drafted).at(-1)).toBe(15)
  })

  it('learns anew of every sequence', () => {
    const speculator = speculatorOn((tokens) => 80 + 20 * tokens)
    const [first] = lengths(speculator, 100, () => 0)
    expect(lengths(speculator, 1, () => 0)).toEqual([first])
  })

  it('learns from what runs take that it is no longer worth it', () => {
    const speculator = speculatorOn(CHEAP)
    const made = lengths(speculator, 200, (drafted, round) => {
      if (round > 50) speculator.timed(drafted + 1, 100 * (drafted + 1))
      return drafted
    })
    expect([made[50], made.at(-1)]).toEqual([15, 0])
  })

  it('is not misled by a single run beside which the machine did something else', () => {
    const speculator = speculatorOn(CHEAP)
    const made = lengths(speculator, 100, (drafted, round) => {
      speculator.timed(drafted + 1, round === 50 ? 100_000 : CHEAP(drafted + 1))
      return drafted
    })
    expect(made.slice(40)).toEqual(made.slice(40).map(() => 15))
  })

  it('never guesses more than it may', () => {
    const drafter = speculatorOn(CHEAP).open()
    for (let round = 0; round < 20; round++) drafter.judged(drafter.propose(REPETITIVE, 15).length, 15)
    expect([0, 1, 2, 6, 8].map((most) => drafter.propose(REPETITIVE, most).length)).toEqual([0, 1, 1, 3, 7])
  })

  it('guesses as many as it is told, whatever it costs, and tells how many were right', () => {
    const told: number[][] = []
    const speculator = new PromptSpeculator({ tokens: 5, onJudged: (...judged) => told.push(judged) })
    for (const tokens of [1, 6]) speculator.timed(tokens, DEAR(tokens))
    expect(lengths(speculator, 3, () => 2)).toEqual([5, 5, 5])
    expect(told).toEqual([
      [5, 2],
      [5, 2],
      [5, 2],
    ])
    expect([...speculator.open().propose(REPETITIVE, 4)]).toEqual([12, 10, 11, 12])
    expect(speculator.open().propose(Int32Array.of(1, 2, 3), 9)).toHaveLength(0)
  })
})
