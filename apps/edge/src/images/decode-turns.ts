import { AppError } from '@loupe/shared/errors'

/** How turns are given. */
export interface DecodeTurnsOptions {
  /** More waiting decodes than this are refused. */
  readonly maxWaiting: number
  /** After this long a turn is taken as abandoned. */
  readonly leaseMs: number
  readonly nowMs: () => number
}

/** Runs one piece of work at a time. */
export interface DecodeTurns {
  /** @throws AppError `queue.full`, and what `work` throws */
  run<T>(work: () => Promise<T>): Promise<T>
}

interface Turn {
  readonly ended: Promise<void>
  readonly end: () => void
  /** When it came to the front. */
  sinceMs: number
}

/**
 * Lets one picture be decoded at a time in an isolate, since its 128 MB are shared by all requests in it.
 *
 * A turn has a lease: when a client leaves, the platform may stop its request between two steps, and `finally` never
 * runs. Whoever waits behind such a turn takes it away when the lease is over.
 */
export function createDecodeTurns({ maxWaiting, leaseMs, nowMs }: DecodeTurnsOptions): DecodeTurns {
  const turns: Turn[] = []

  function leave(turn: Turn): void {
    const place = turns.indexOf(turn)
    if (place >= 0) turns.splice(place, 1)
    const front = turns[0]
    if (place === 0 && front !== undefined) front.sinceMs = nowMs()
    turn.end()
  }

  async function waitBehind(front: Turn): Promise<void> {
    await withTimer(front.ended, front.sinceMs + leaseMs - nowMs())
    if (turns[0] === front && front.sinceMs + leaseMs <= nowMs()) leave(front)
  }

  return {
    async run(work) {
      if (turns.length > maxWaiting) throw new AppError('queue.full', 'Too many pictures are waiting to be decoded.')
      const { promise, resolve } = Promise.withResolvers<void>()
      const turn: Turn = { ended: promise, end: resolve, sinceMs: nowMs() }
      turns.push(turn)
      try {
        for (let front = turns[0]; front !== undefined && front !== turn; front = turns[0]) await waitBehind(front)
        return await work()
      } finally {
        leave(turn)
      }
    },
  }
}

/** Waits for the promise, but not longer than the time. */
async function withTimer(promise: Promise<void>, ms: number): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const timeout = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, Math.max(ms, 0))
  })
  await Promise.race([promise, timeout])
  clearTimeout(timer)
}
