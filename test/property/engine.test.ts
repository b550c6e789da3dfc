import { setImmediate } from 'node:timers/promises'
import {
  type Asked,
  createEngine,
  ENGINE_IDS,
  halfOracle,
  promptOf,
  soloAnswers,
  type TestRequest,
} from '@loupe/gpu-worker/src/testing/engine-fixture.ts'
import { AppError } from '@loupe/shared/errors'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

/** A request, when it comes, and when its client leaves. Times are turns of the event loop. */
interface Visit {
  readonly request: TestRequest
  readonly comes: number
  readonly leaves: number | undefined
}

interface Scene {
  readonly slots: number
  readonly chunkTokens: number
  readonly isMovable: boolean
  readonly speculator: typeof halfOracle | undefined
  /** Calls of the pool that fail, counted over both kinds. */
  readonly faults: ReadonlySet<number>
  readonly visits: readonly Visit[]
}

const LAST_TURN = 30

const visit: fc.Arbitrary<Visit> = fc
  .record({
    number: fc.nat(50),
    text: fc.integer({ min: 1, max: 24 }),
    pictures: fc.array(fc.nat(3), { maxLength: 2 }),
    maxTokens: fc.integer({ min: 1, max: 16 }),
    seeds: fc.array(fc.nat(9), { minLength: 1, maxLength: 4 }),
    tenant: fc.constantFrom('a', 'b', 'c'),
    priority: fc.integer({ min: -2, max: 2 }),
    isSlow: fc.boolean(),
    comes: fc.nat(LAST_TURN),
    leaves: fc.option(fc.nat(LAST_TURN), { nil: undefined }),
  })
  .map(({ number, text, pictures, comes, leaves, ...rest }) => {
    const ids = promptOf(number, { text, pictures: pictures.length })
    return { request: { ids, pictures, ...rest }, comes, leaves }
  })

const scene = (faults: fc.Arbitrary<readonly number[]>): fc.Arbitrary<Scene> =>
  fc.record({
    slots: fc.integer({ min: 1, max: 5 }),
    chunkTokens: fc.integer({ min: 1, max: 16 }),
    isMovable: fc.boolean(),
    speculator: fc.constantFrom(undefined, halfOracle),
    faults: faults.map((calls) => new Set(calls)),
    visits: fc.array(visit, { minLength: 1, maxLength: 14, size: 'max' }),
  })

const FAULT = new AppError('runtime.failed', 'planted')

/** Plays a scene to its end. @returns what became of each visit, and the engine */
async function play({ visits, faults, ...settings }: Scene) {
  const made = createEngine({ ...settings, capacityTokens: 64 })
  let calls = 0
  made.world.hold = () => (faults.has(calls++) ? Promise.reject(FAULT) : Promise.resolve())
  made.world.look = () => setImmediate()
  const asked = new Map<Visit, Asked>()
  for (let turn = 0; turn <= LAST_TURN; turn++) {
    for (const each of visits) if (each.comes === turn) asked.set(each, made.ask(each.request))
    for (const each of visits) if (each.leaves === turn) asked.get(each)?.controller.abort()
    await setImmediate()
  }
  await made.engine.idle()
  const outcomes = await Promise.all(
    visits.map(async (each) => {
      const own = asked.get(each)
      return { visit: each, asked: own, error: await own?.ended }
    }),
  )
  return { ...made, outcomes }
}

/** Each choice of an answer that broke off is the beginning of what it would have been. */
function expectBeginnings(request: TestRequest, answers: readonly (readonly number[])[]): void {
  const whole = soloAnswers(request)
  expect(answers).toEqual(answers.map((answer, choice) => whole[choice]?.slice(0, answer.length)))
}

describe('an engine', () => {
  it('gives everybody the answer of an empty engine, whoever comes and leaves', async () => {
    await fc.assert(
      fc.asyncProperty(scene(fc.constant([])), async (scene) => {
        const { outcomes, pool, engine } = await play(scene)
        for (const { visit, asked, error } of outcomes) {
          if (error === undefined) expect(asked?.answers).toEqual(soloAnswers(visit.request))
          else expectBeginnings(visit.request, asked?.answers ?? [])
          if (error !== undefined) expect([visit.leaves, error]).toEqual([expect.any(Number), expect.anything()])
          expect([asked?.releases, asked?.settlements]).toEqual([1, 1])
        }
        expect([pool.heldSlots, engine.load.running, engine.load.waiting]).toEqual([0, 0, 0])
      }),
      { numRuns: 150 },
    )
  })

  it('fails exactly those whose step failed, and goes on', async () => {
    const faults = fc.array(fc.nat(60), { minLength: 1, maxLength: 6 })
    await fc.assert(
      fc.asyncProperty(scene(faults), async (scene) => {
        const { outcomes, pool } = await play(scene)
        for (const { visit, asked, error } of outcomes) {
          if (error === undefined) expect(asked?.answers).toEqual(soloAnswers(visit.request))
          else expectBeginnings(visit.request, asked?.answers ?? [])
          if (visit.leaves === undefined && error !== undefined) expect(error).toBe(FAULT)
          expect([asked?.releases, asked?.settlements]).toEqual([1, 1])
        }
        const failed = outcomes.filter(({ error }) => error === FAULT).length
        expect(failed).toBeLessThanOrEqual(scene.faults.size * scene.slots)
        expect(pool.heldSlots).toBe(0)
      }),
      { numRuns: 100 },
    )
  })

  it('never lets a step compute more of prompts than a chunk, pictures aside', async () => {
    await fc.assert(
      fc.asyncProperty(scene(fc.constant([])), async (scene) => {
        const { seen, pool } = await play(scene)
        const most = Math.max(scene.chunkTokens, ENGINE_IDS.tokensPerImage)
        expect(Math.max(...seen.steps.map(({ prefilled }) => prefilled))).toBeLessThanOrEqual(most)
        expect(Math.max(0, ...pool.batches.map((slots) => slots.length))).toBeLessThanOrEqual(scene.slots)
      }),
      { numRuns: 50 },
    )
  })
})
