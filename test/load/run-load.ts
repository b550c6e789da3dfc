import { setTimeout } from 'node:timers/promises'
import { parseModelMetadata, WORKER_PATHS } from '@loupe/shared/wire'
import { createRandom, type Random } from '../loupe-tiny/random.ts'
import { askWorker, type Reply, type WorkerAddress } from './ask-worker.ts'
import { emptyTally, type LoadTally } from './load-report.ts'
import { type KnownRequest, soloAnswers } from './solo-answers.ts'

/** How much load. */
export interface LoadOptions {
  readonly users: number
  readonly seconds: number
  /** Different questions. */
  readonly questions: number
}

/** Users that do not wait as long as they are told: the queue is to be full. */
const LONGEST_PAUSE_MS = 500

/** Many users at once, each of whom asks, waits, is refused or leaves, and compares. */
export async function runLoad(worker: WorkerAddress, { users, seconds, questions }: LoadOptions): Promise<LoadTally> {
  const response = await fetch(`${worker.url}${WORKER_PATHS.model(worker.modelName)}`)
  const { parameters } = parseModelMetadata(await response.json())
  const known = await soloAnswers(worker, parameters, questions)
  const tally = emptyTally()
  const deadlineMs = performance.now() + 1000 * seconds
  await Promise.all(
    Array.from({ length: users }, async (_, user) => {
      const random = createRandom(user)
      while (performance.now() < deadlineMs) await visit(worker, random.pick(known), { random, user, tally })
    }),
  )
  return tally
}

interface Visitor {
  readonly random: Random
  readonly user: number
  readonly tally: LoadTally
}

async function visit(worker: WorkerAddress, { request, answers }: KnownRequest, visitor: Visitor): Promise<void> {
  const { random, user, tally } = visitor
  const leaves = random.chance(0.25)
    ? { afterTokens: random.integer(0, 12), afterMs: random.integer(0, 2000) }
    : undefined
  const controller = new AbortController()
  const leave = () => controller.abort()
  let tokens = 0
  const parameters = {
    // Now and then a stranger, for whom every picture is new.
    tenant: random.chance(0.2) ? `stranger-${user}-${random.integer(0, 1e9)}` : `tenant-${user % 6}`,
    priority: random.pick([-1, 0, 0, 0, 0, 1]),
  }
  const timer = leaves === undefined ? undefined : globalThis.setTimeout(leave, leaves.afterMs)
  const reply = await askWorker(worker, request, {
    parameters,
    signal: controller.signal,
    onToken: () => {
      if (++tokens === leaves?.afterTokens) leave()
    },
  })
  clearTimeout(timer)
  record(reply, { answers, hasLeft: controller.signal.aborted, tally })
  if (reply.error?.code === 'queue.full') await setTimeout(random.integer(0, LONGEST_PAUSE_MS))
}

interface Expectation {
  readonly answers: readonly (readonly number[])[]
  readonly hasLeft: boolean
  readonly tally: LoadTally
}

function record(reply: Reply, { answers, hasLeft, tally }: Expectation): void {
  const { error, waitMs } = reply
  tally.tokens += reply.answers.flat().length
  if (waitMs !== undefined) tally.waitsMs.push(waitMs)
  const isBeginning = reply.answers.every((ids, choice) => ids.every((id, at) => id === answers[choice]?.[at]))
  const isWhole = reply.answers.every((ids, choice) => ids.length === answers[choice]?.length)
  if (!isBeginning) tally.faults.push(`expected ${JSON.stringify(answers)}, found ${JSON.stringify(reply.answers)}`)
  if (error === undefined && isWhole) tally.answered++
  else if (hasLeft) tally.cancelled++
  else if (error?.code === 'queue.full' && Number(reply.retryAfter) >= 1) tally.refused++
  else tally.faults.push(error === undefined ? 'an answer is too short' : `${error.code}: ${reasonOf(error)}`)
}

/** What lies at the bottom: `fetch` wraps what went wrong on the connection. */
function reasonOf(error: Error): string {
  return error.cause instanceof Error ? reasonOf(error.cause) : error.message
}
