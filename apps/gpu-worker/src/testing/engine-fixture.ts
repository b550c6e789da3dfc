import { createHash } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import { createSampler, createStopCheck, type Sampler } from '@loupe/model'
import { BatchEngine } from '../engine/batch-engine.ts'
import type { Speculator } from '../engine/drafter.ts'
import type { EngineEvent, GenerateJob } from '../engine/engine.ts'
import type { EngineMonitor } from '../engine/engine-monitor.ts'
import type { QueueLimits } from '../engine/fair-queue.ts'
import type { PrefixCache } from '../engine/prefix-cache.ts'
import { abortable } from './abortable.ts'
import { FakePool } from './fake-pool.ts'
import { mixedLogits } from './mixed-logits.ts'

/** Ids of the vocabulary of {@link createEngine}, and how many tokens a picture has. */
export const ENGINE_IDS = { size: 32, endId: 1, image: 30, tokensPerImage: 4 } as const

/** What an engine of a test is made of. */
export interface EngineSettings {
  readonly slots?: number
  readonly capacityTokens?: number
  readonly chunkTokens?: number
  readonly limits?: Partial<QueueLimits>
  readonly isMovable?: boolean
  /** A clock in milliseconds. */
  readonly now?: () => number
  /** How many of the last tokens of a sequence can be saved; all by default. */
  readonly keptTokens?: number
  readonly prefixes?: PrefixCache
  readonly speculator?: Speculator | undefined
}

/** A request of a test. */
export interface TestRequest {
  readonly ids: readonly number[]
  /** First feature of each of its pictures. */
  readonly pictures?: readonly number[]
  readonly maxTokens?: number
  /** One for each answer; 0 always takes the likeliest token. */
  readonly seeds?: readonly number[]
  readonly tenant?: string
  readonly priority?: number
  readonly timeoutMs?: number
  /** Whether every sampler needs a turn of the event loop to be ready. */
  readonly isSlow?: boolean
  readonly samplers?: readonly Sampler[]
}

/** A request that an engine has admitted. */
export interface Asked {
  readonly events: EngineEvent[]
  /** The answers so far, by choice. */
  readonly answers: number[][]
  /** Resolves at its end, to its error. */
  readonly ended: Promise<unknown>
  readonly controller: AbortController
  /** How often its pictures were let go. */
  readonly releases: number
  /** How often its observer heard of its end. */
  readonly settlements: number
}

/** An engine round a pool without weights, whose answers depend on everything that was said before. */
export function createEngine(settings: EngineSettings = {}) {
  const { slots = 2, capacityTokens = 64, chunkTokens = 8, isMovable = true, prefixes, speculator } = settings
  const { keptTokens = capacityTokens } = settings
  const world = {
    /** Awaited by every call of the pool. */
    hold: (_: 'prefill' | 'decode'): Promise<unknown> => Promise.resolve(),
    /** Awaited by every look at pictures. */
    look: (): Promise<unknown> => Promise.resolve(),
    logits: logitsAfter,
  }
  const pool = new FakePool({
    slots,
    capacityTokens,
    partTokens: chunkTokens,
    imageTokenId: ENGINE_IDS.image,
    tokensPerImage: ENGINE_IDS.tokensPerImage,
    next: (tokens) => world.logits(tokens),
    step: (step, signal) => abortable(Promise.all([setImmediate(), world.hold(step)]), signal),
    isMovable,
    keptTokens,
  })
  const seen = { steps: [] as Parameters<EngineMonitor['step']>[0][], preemptions: 0 }
  const engine = new BatchEngine({
    pool,
    imageTokenId: ENGINE_IDS.image,
    limits: { requests: 100, requestsPerTenant: 100, tokens: 100_000, ...settings.limits },
    chunkTokens,
    prefixes,
    speculator,
    monitor: { step: (step) => seen.steps.push(step), tokenGap: () => {}, preempted: () => seen.preemptions++ },
    now: settings.now ?? (() => performance.now()),
  })
  const ask = (request: TestRequest) => askEngine(engine, request, () => world.look())
  return { engine, pool, world, seen, ask }
}

/** What each choice of a request is when nobody else is there. */
export function soloAnswers(request: TestRequest): number[][] {
  return jobParts(request).samplers.map((sampler) => {
    const check = createStopCheck(jobParts(request).stop)
    const tokens = tokensOf(request)
    const answer: number[] = []
    for (;;) {
      const { id } = sampler.next(logitsAfter(tokens), answer.length)
      const { isEmitted, finishReason } = check(id, answer.length)
      if (isEmitted) answer.push(id)
      if (finishReason !== undefined) return answer
      tokens.push(id)
    }
  })
}

/** Guesses what is likeliest after text, but every fifth token wrong; knows nothing of pictures and seeds. */
export const halfOracle: Speculator = {
  open: () => ({
    propose(ids, most) {
      const tokens = [...ids]
      while (tokens.length < ids.length + most) {
        const best = logitsAfter(tokens).reduce((at, logit, id, all) => (logit > (all[at] ?? 0) ? id : at), 0)
        tokens.push(tokens.length % 5 === 0 ? 3 : best)
      }
      return Int32Array.from(tokens.slice(ids.length))
    },
    judged: () => {},
  }),
  timed: () => {},
}

/** A prompt with places for pictures, different for each number. */
export function promptOf(number: number, { text = 3, pictures = 0 } = {}): number[] {
  const words = Array.from({ length: text }, (_, at) => 2 + ((number * 7 + at * 5) % 27))
  const places = Array.from({ length: pictures }, () => [2, ...Array<number>(ENGINE_IDS.tokensPerImage).fill(30)])
  return [...places.flat(), ...words]
}

/** The job of a request without pictures that nobody watches. */
export function quietJob(request: TestRequest): GenerateJob {
  const images = { cached: 0, digests: [], features: () => Promise.resolve([]), [Symbol.dispose]: () => {} }
  const observer = { event: () => {}, settled: () => {} }
  return { ...jobParts(request), images, observer, tenant: '', priority: 0, timeoutMs: undefined }
}

function askEngine(engine: BatchEngine, request: TestRequest, look: () => Promise<unknown>): Asked {
  const controller = new AbortController()
  const asked = { events: [] as EngineEvent[], answers: answersOf(request), controller, releases: 0, settlements: 0 }
  const { pictures = [], priority = 0, tenant = '', timeoutMs } = request
  const images = {
    cached: 0,
    digests: pictures.map((value) => createHash('sha256').update(String(value)).digest('hex')),
    features: async (signal: AbortSignal) => {
      await abortable(look(), signal)
      return pictures.map((value) => Float32Array.of(value))
    },
    [Symbol.dispose]: () => {
      asked.releases++
    },
  }
  const observer = { event: () => {}, settled: () => void asked.settlements++ }
  const job = { ...jobParts(request), tenant, priority, timeoutMs, images, observer }
  const events = engine.generate(job, controller.signal)
  const read = async () => {
    for await (const event of events) {
      asked.events.push(event)
      if (event.type === 'token') asked.answers[event.choice]?.push(event.id)
    }
  }
  const ended = read().then(
    () => undefined,
    (error: unknown) => error,
  )
  return Object.assign(asked, { ended })
}

function answersOf({ seeds, samplers }: TestRequest): number[][] {
  return Array.from({ length: samplers?.length ?? seeds?.length ?? 1 }, () => [])
}

function jobParts(request: TestRequest): Pick<GenerateJob, 'inputIds' | 'samplers' | 'stop'> {
  const { ids, maxTokens = 6, seeds = [0] } = request
  const samplers = seeds.map((seed) => {
    const params = { temperature: seed === 0 ? 0 : 1, topK: 0, topP: 1, seed }
    const sampler = createSampler(params, { bannedIds: [ENGINE_IDS.image] })
    return request.isSlow === true ? { ...sampler, ready: () => setImmediate() } : sampler
  })
  return {
    inputIds: Int32Array.from(ids),
    samplers: request.samplers ?? samplers,
    stop: { eosTokenIds: [ENGINE_IDS.endId], maxTokens },
  }
}

function logitsAfter(tokens: readonly number[]): Float32Array {
  return mixedLogits(tokens, { ...ENGINE_IDS, endsOneIn: 12 })
}

/** The tokens of a prompt as a {@link FakePool} keeps them. */
function tokensOf({ ids, pictures = [] }: TestRequest): number[] {
  let place = 0
  return ids.map((id) => {
    if (id !== ENGINE_IDS.image) return id
    const picture = pictures[Math.floor(place++ / ENGINE_IDS.tokensPerImage)] ?? 0
    return id + 1000 * (1 + picture)
  })
}

/** A promise that the test settles. */
export const gate = () => Promise.withResolvers<void>()

/** Lets some steps pass. */
export async function turns(count: number): Promise<void> {
  for (let n = 0; n < count; n++) await setImmediate()
}

/** The first request of at least so many tokens. */
export function longRequest(tokens: number, request: Partial<TestRequest> = {}, from = 0): TestRequest {
  for (let number = from; ; number++) {
    const candidate = { ids: promptOf(number), maxTokens: 40, ...request }
    if ((soloAnswers(candidate)[0]?.length ?? 0) >= tokens) return candidate
  }
}
