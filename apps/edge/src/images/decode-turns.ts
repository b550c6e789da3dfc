import { AppError } from '@loupe/shared/errors'
import { abortError } from '../error-reply.ts'

/** How turns are given. */
export interface DecodeTurnsOptions {
  /** More waiting decodes than this are refused. */
  readonly maxWaiting: number
  /** After this long a turn is taken as abandoned. */
  readonly leaseMs: number
  /** How long a turn lasts at most once its client has left. */
  readonly abandonedMs: number
  readonly nowMs: () => number
}

/** Runs one piece of work at a time. */
export interface DecodeTurns {
  /**
   * @param signal - aborted when the client leaves
   * @throws AppError `queue.full`, `request.cancelled` when the client left before its turn, and what `work` throws
   */
  run<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T>
}

interface Turn {
  /** From when on others may take it away; undefined while it waits itself. */
  untilMs: number | undefined
  /** Resolves when the turn has ended, begins or ends sooner than it was to. */
  changed: PromiseWithResolvers<void>
}

/**
 * Lets one picture be decoded at a time in an isolate, since its 128 MB are shared by all requests in it.
 *
 * A turn has a lease: when a client leaves, the platform may stop its request between two steps, and `finally` never
 * runs. Whoever waits behind such a turn takes it away when the lease is over. A turn whose client has left is not taken
 * away at once, because the platform may as well let it go on, and two decodes would share the memory.
 */
export function createDecodeTurns({ maxWaiting, leaseMs, abandonedMs, nowMs }: DecodeTurnsOptions): DecodeTurns {
  const turns: Turn[] = []

  function leave(turn: Turn): void {
    const place = turns.indexOf(turn)
    if (place >= 0) turns.splice(place, 1)
    turn.changed.resolve()
  }

  function shorten(turn: Turn): void {
    if (turn.untilMs === undefined) {
      leave(turn) // it waits: nothing of it is in memory but its file
      return
    }
    turn.untilMs = Math.min(turn.untilMs, nowMs() + abandonedMs)
    turn.changed.resolve()
    turn.changed = Promise.withResolvers()
  }

  async function waitBehind(front: Turn, turn: Turn): Promise<void> {
    front.untilMs ??= nowMs() + leaseMs
    await withTimer([front.changed.promise, turn.changed.promise], front.untilMs - nowMs())
    if (turns[0] === front && front.untilMs <= nowMs()) leave(front)
  }

  async function waitForTurn(turn: Turn, signal: AbortSignal): Promise<void> {
    for (let front = turns[0]; front !== turn && front !== undefined; front = turns[0]) {
      await waitBehind(front, turn)
      if (signal.aborted) throw abortError(signal)
    }
    turn.untilMs ??= nowMs() + leaseMs
  }

  return {
    async run(work, signal) {
      if (signal.aborted) throw abortError(signal)
      if (turns.length > maxWaiting) throw new AppError('queue.full', 'Too many pictures are waiting to be decoded.')
      const turn: Turn = { untilMs: undefined, changed: Promise.withResolvers() }
      const onAbort = () => shorten(turn)
      signal.addEventListener('abort', onAbort)
      turns.push(turn)
      try {
        await waitForTurn(turn, signal)
        return await work()
      } finally {
        signal.removeEventListener('abort', onAbort)
        leave(turn)
      }
    },
  }
}

/** Waits for the first of the promises, but not longer than the time. */
async function withTimer(promises: readonly Promise<void>[], ms: number): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const timeout = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, Math.max(ms, 0))
  })
  await Promise.race([...promises, timeout])
  clearTimeout(timer)
}
