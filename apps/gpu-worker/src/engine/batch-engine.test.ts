import { createSampler } from '@loupe/model'
import { AppError } from '@loupe/shared/errors'
import { describe, expect, it } from 'vitest'
import {
  createEngine,
  ENGINE_IDS,
  gate,
  longRequest,
  promptOf,
  quietJob,
  soloAnswers,
  turns,
} from '../testing/engine-fixture.ts'

describe('a batch', () => {
  it('decodes everybody in one run, and gives each the answer it gets alone', async () => {
    const { ask, pool, engine } = createEngine({ slots: 4 })
    const requests = [0, 1, 2, 3].map((number) => ({ ids: promptOf(number), maxTokens: 8, seeds: [number] }))
    const asked = requests.map(ask)
    expect(await Promise.all(asked.map(({ ended }) => ended))).toEqual([undefined, undefined, undefined, undefined])
    expect(asked.map(({ answers }) => answers)).toEqual(requests.map(soloAnswers))
    expect(Math.max(...pool.batches.map((slots) => slots.length))).toBe(4)
    await engine.idle()
    expect([pool.heldSlots, engine.load.running, engine.load.heldTokens]).toEqual([0, 0, 0])
  })

  it('lets sequences join and leave between any two steps', async () => {
    const { ask, pool } = createEngine({ slots: 2 })
    const requests = Array.from({ length: 7 }, (_, n) => ({ ids: promptOf(n), maxTokens: 3 + n, seeds: [n] }))
    const asked = requests.map(ask)
    await Promise.all(asked.map(({ ended }) => ended))
    expect(asked.map(({ answers }) => answers)).toEqual(requests.map(soloAnswers))
    expect(pool.batches.some((slots) => slots.length === 2)).toBe(true)
  })

  it('computes a long prompt in chunks, and others go on between two of them', async () => {
    const { ask, pool, seen } = createEngine({ slots: 2, chunkTokens: 8 })
    const talking = ask(longRequest(12))
    await turns(3)
    const long = ask({ ids: promptOf(5, { text: 40 }) })
    await Promise.all([talking.ended, long.ended])
    expect(pool.chunks.slice(1).map(({ ids }) => ids.length)).toEqual([8, 8, 8, 8, 8])
    expect(seen.steps.filter(({ prefilled }) => prefilled === 8).every(({ decoded }) => decoded === 1)).toBe(true)
    expect(long.answers).toEqual(soloAnswers({ ids: promptOf(5, { text: 40 }) }))
  })

  it('takes turns between prompts, and fills a chunk with several short ones', async () => {
    const { ask, pool } = createEngine({ slots: 4, chunkTokens: 8 })
    const hold = gate()
    const asked = [
      ask({ ids: promptOf(0, { text: 20 }) }),
      ask({ ids: promptOf(1, { text: 16 }) }),
      ask({ ids: promptOf(2, { text: 4 }) }),
      ask({ ids: promptOf(3, { text: 4 }) }),
    ]
    hold.resolve()
    await Promise.all(asked.map(({ ended }) => ended))
    const order = pool.chunks.map(({ slot, ids }) => [slot, ids.length])
    expect(order.slice(0, 4)).toEqual([
      [0, 8],
      [1, 8],
      [2, 4],
      [3, 4],
    ])
  })

  it('gives a picture whole to the model', async () => {
    const { ask, pool } = createEngine({ chunkTokens: 3 })
    const request = { ids: promptOf(4, { pictures: 2, text: 5 }), pictures: [3, 4] }
    const asked = ask(request)
    await asked.ended
    expect(asked.answers).toEqual(soloAnswers(request))
    const chunks = pool.chunks.map(({ ids }) => ids.filter((id) => id === ENGINE_IDS.image).length)
    expect(chunks.filter((places) => places > 0)).toEqual([4, 4])
  })

  it('shares the prompt between several answers to it', async () => {
    const { ask, pool } = createEngine({ slots: 3 })
    const request = { ids: promptOf(6, { text: 12 }), seeds: [1, 2, 3], maxTokens: 8 }
    const asked = ask(request)
    expect(await asked.ended).toBeUndefined()
    expect(asked.answers).toEqual(soloAnswers(request))
    expect(pool.chunks.reduce((sum, { ids }) => sum + ids.length, 0)).toBe(12)
    expect(asked.events.filter(({ type }) => type === 'done')).toHaveLength(3)
  })

  it.each([
    [true, 12],
    [false, 12 + 4 * 13],
  ])('makes more answers than there are slots (memory that moves: %s)', async (isMovable, prefilled) => {
    const { ask, pool } = createEngine({ slots: 1, isMovable })
    const request = { ids: promptOf(6, { text: 12 }), seeds: [1, 2, 3, 4, 5], maxTokens: 8 }
    const asked = ask(request)
    expect(await asked.ended).toBeUndefined()
    expect(asked.answers).toEqual(soloAnswers(request))
    expect(pool.chunks.reduce((sum, { ids }) => sum + ids.length, 0)).toBe(prefilled)
  })
})

describe('pictures', () => {
  it('are looked at while others go on, and without a slot', async () => {
    const { ask, world, engine } = createEngine({ slots: 1 })
    const looking = gate()
    world.look = () => looking.promise
    const seeing = ask({ ids: promptOf(1, { pictures: 1 }), pictures: [7] })
    const reading = ask({ ids: promptOf(2) })
    expect(await reading.ended).toBeUndefined()
    expect(engine.load).toMatchObject({ running: 0, waiting: 1 })
    looking.resolve()
    await seeing.ended
    expect(seeing.answers).toEqual(soloAnswers({ ids: promptOf(1, { pictures: 1 }), pictures: [7] }))
  })

  it('end the request whose pass fails, and no other', async () => {
    const { ask, world, engine } = createEngine()
    let looks = 0
    world.look = () => (looks++ === 0 ? Promise.reject(new AppError('runtime.failed', 'vision')) : Promise.resolve())
    const [first, second] = [1, 2].map((picture) => ask({ ids: promptOf(1, { pictures: 1 }), pictures: [picture] }))
    expect(await first?.ended).toMatchObject({ code: 'runtime.failed' })
    expect(await second?.ended).toBeUndefined()
    await engine.idle()
  })

  it('are not looked at far ahead of the slots: features take memory', async () => {
    const { ask, world } = createEngine({ slots: 1 })
    const held = gate()
    let looks = 0
    world.hold = () => held.promise
    world.look = async () => looks++
    const asked = Array.from({ length: 6 }, (_, n) => ask({ ids: promptOf(n, { pictures: 1 }), pictures: [n] }))
    await turns(20)
    expect(looks).toBe(2)
    held.resolve()
    await Promise.all(asked.map(({ ended }) => ended))
    expect(looks).toBe(6)
  })
})

describe('who waits for a look at pictures', () => {
  it('used to wait for ever when all who were ahead left at once', async () => {
    const { ask, world, engine } = createEngine({ slots: 1 })
    world.hold = () => new Promise(() => {})
    const ahead = [ask({ ids: promptOf(0) }), ask({ ids: promptOf(1, { pictures: 1 }), pictures: [1] })]
    const last = ask({ ids: promptOf(2, { pictures: 1 }), pictures: [2] })
    await turns(10)
    expect(engine.load).toMatchObject({ running: 1, waiting: 2 })
    world.hold = () => Promise.resolve()
    for (const { controller } of ahead) controller.abort()
    expect(await last.ended).toBeUndefined()
  })
})

describe('faults', () => {
  it('of the model end exactly the requests of the step, each with the error, and the engine goes on', async () => {
    const { ask, world, pool, engine } = createEngine({ slots: 3, limits: {} })
    const asked = [0, 1].map((n) => ask(longRequest(10, { seeds: [n + 1] })))
    await turns(4)
    world.hold = async (step) => {
      if (step === 'prefill') return
      world.hold = () => Promise.resolve()
      throw new AppError('runtime.failed', 'out of memory')
    }
    const late = ask({ ids: promptOf(7, { text: 20 }) })
    for (const { ended } of asked)
      expect(await ended).toMatchObject({ code: 'runtime.failed', detail: 'out of memory' })
    expect(await late.ended).toBeUndefined()
    expect(late.answers).toEqual(soloAnswers({ ids: promptOf(7, { text: 20 }) }))
    await engine.idle()
    expect(pool.heldSlots).toBe(0)
  })

  it('in the logits of one row end its request alone', async () => {
    const { ask, world } = createEngine({ slots: 2 })
    const good = longRequest(12)
    const bad = longRequest(12, { seeds: [5], tenant: 'bad' }, 5)
    const logits = world.logits
    world.logits = (tokens) => {
      const row = logits(tokens)
      return tokens.length > 6 && bad.ids.every((id, at) => tokens[at] === id) ? row.fill(Number.NaN) : row
    }
    const [sound, sick] = [ask(good), ask(bad)]
    expect(await sick.ended).toMatchObject({ code: 'runtime.failed' })
    expect(await sound.ended).toBeUndefined()
    expect(sound.answers).toEqual(soloAnswers(good))
    expect(sick.answers[0]).toEqual(soloAnswers(bad)[0]?.slice(0, 4))
  })

  it('that are no errors are still faults', async () => {
    const { ask, world } = createEngine()
    world.hold = () => Promise.reject(undefined)
    expect(await ask({ ids: promptOf(1) }).ended).toMatchObject({ code: 'internal' })
  })
})

describe('who leaves', () => {
  it('ends at once, also while a step runs that others share; the step goes on for them', async () => {
    const { ask, world, pool } = createEngine({ slots: 2 })
    const [staying, leaving] = [ask(longRequest(10)), ask(longRequest(10, { seeds: [8] }))]
    await turns(5)
    const hold = gate()
    world.hold = () => hold.promise
    await turns(2)
    leaving.controller.abort()
    expect(await leaving.ended).toMatchObject({ code: 'request.cancelled' })
    expect(pool.heldSlots).toBe(2)
    hold.resolve()
    expect(await staying.ended).toBeUndefined()
    expect(staying.answers).toEqual(soloAnswers(longRequest(10)))
    expect(leaving).toMatchObject({ releases: 1, settlements: 1 })
  })

  it('gives the step up when nobody else shares it', async () => {
    const { ask, world, pool, engine } = createEngine({ slots: 2 })
    const asked = [ask(longRequest(10)), ask(longRequest(10, { seeds: [8] }))]
    await turns(5)
    world.hold = () => new Promise(() => {})
    await turns(2)
    for (const { controller } of asked) controller.abort()
    await engine.idle()
    expect(pool.heldSlots).toBe(0)
  })

  it('had a deadline, its wait included', async () => {
    const { ask, world, engine } = createEngine({ slots: 1 })
    world.hold = () => new Promise(() => {})
    const asked = [ask({ ids: promptOf(1), timeoutMs: 30 }), ask({ ids: promptOf(2), timeoutMs: 5 })]
    for (const { ended } of asked) expect(await ended).toMatchObject({ code: 'worker.timeout' })
    await engine.idle()
    expect(asked.map(({ releases }) => releases)).toEqual([1, 1])
  })

  it('was not there any more when it was admitted', async () => {
    const { engine, pool } = createEngine()
    const events = engine.generate(quietJob({ ids: [2] }), AbortSignal.abort())
    await expect(events[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'request.cancelled' })
    expect(pool.chunks).toEqual([])
  })
})

describe('a sampler that is not ready', () => {
  const slowly = (ready: Promise<void>) => {
    return { ...createSampler({ temperature: 0, topK: 0, topP: 1, seed: 0 }), ready: () => ready }
  }

  it('holds up nobody else', async () => {
    const { ask } = createEngine({ slots: 3 })
    const ready = gate()
    const request = { ids: promptOf(1), maxTokens: 3 }
    const slow = ask({ ...request, samplers: [slowly(ready.promise)] })
    await turns(5)
    expect(await ask(longRequest(12)).ended).toBeUndefined()
    expect(slow.answers).toEqual([[]])
    ready.resolve()
    expect(await slow.ended).toBeUndefined()
    expect(slow.answers).toEqual(soloAnswers(request))
  })

  it('ends its own request when it fails, and is not waited for when the client leaves', async () => {
    const { ask, engine, pool } = createEngine({ slots: 3 })
    const failed = gate()
    const failing = ask({ ids: promptOf(1), samplers: [slowly(failed.promise)] })
    const leaving = ask({ ids: promptOf(2), samplers: [slowly(new Promise(() => {}))] })
    await turns(5)
    failed.reject(new AppError('grammar.too_complex', 'too slow'))
    leaving.controller.abort()
    expect(await failing.ended).toMatchObject({ code: 'grammar.too_complex' })
    expect(await leaving.ended).toMatchObject({ code: 'request.cancelled' })
    await engine.idle()
    expect(pool.heldSlots).toBe(0)
  })
})

describe('who reads slowly', () => {
  it('holds up nobody, and gets everything in the end', async () => {
    const { ask, engine } = createEngine({ slots: 1 })
    const request = { ids: promptOf(1) }
    const unread = engine.generate(quietJob(request), new AbortController().signal)
    expect(await ask({ ids: promptOf(2) }).ended).toBeUndefined()
    await engine.idle()
    const ids: number[] = []
    for await (const event of unread) if (event.type === 'token') ids.push(event.id)
    expect([ids]).toEqual(soloAnswers(request))
  })
})

describe('admission', () => {
  it('counts prompt and all answers, and says when to come back', async () => {
    const { ask, world } = createEngine({ slots: 1, limits: { tokens: 40 } })
    const hold = gate()
    world.hold = () => hold.promise
    const running = ask({ ids: promptOf(0) })
    const waiting = ask({ ids: promptOf(1), seeds: [1, 2, 3], maxTokens: 10 })
    expect(() => ask({ ids: promptOf(2), maxTokens: 5 })).toThrow(
      expect.objectContaining({ code: 'queue.full', retryAfterMs: expect.any(Number) }),
    )
    const small = ask({ ids: promptOf(2), maxTokens: 4 })
    hold.resolve()
    await Promise.all([running, waiting, small].map(({ ended }) => ended))
  })

  it('refuses what outgrows a slot', () => {
    const { ask } = createEngine({ capacityTokens: 16 })
    expect(() => ask({ ids: promptOf(1), maxTokens: 14 })).toThrow('Expected at most 16 tokens, found 17.')
  })

  it('is over when the engine is closed, which ends what runs and waits, and frees the pool', async () => {
    const { ask, engine, pool, world } = createEngine({ slots: 1 })
    world.hold = () => new Promise(() => {})
    const asked = [0, 1, 2].map((n) => ask({ ids: promptOf(n) }))
    const reason = new AppError('worker.unavailable', 'closed')
    await Promise.all([engine.close(reason), engine.close(reason)])
    expect(await Promise.all(asked.map(({ ended }) => ended))).toEqual([reason, reason, reason])
    expect(() => ask({ ids: promptOf(1) })).toThrow(reason)
    expect(pool.isDisposed).toBe(true)
  })
})
