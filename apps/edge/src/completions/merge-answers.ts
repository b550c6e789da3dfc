import type { AnswerEvent } from '../chat/read-answer.ts'
import type { RunningAnswer } from '../chat/start-answer.ts'

/** An event of one of several answers. */
export interface MergedEvent {
  /** Which prompt it answers, from 0. */
  readonly prompt: number
  readonly event: AnswerEvent
}

/** Answers that run, and those that do not yet. */
export interface AnswersToMerge {
  /** The first ones, by their prompt. */
  readonly running: readonly Events[]
  /** Begins each of the others, in their order. */
  readonly waiting: readonly (() => Promise<Events>)[]
  /** Called at the end, whatever it was: stops what still runs. */
  readonly leave: () => void
}

type Events = RunningAnswer['events']
type Arrived = { readonly prompt: number; readonly result: IteratorResult<AnswerEvent, void> }

/**
 * The events of several answers as they come. Where one ends, the next that waits is begun.
 *
 * @throws what an answer throws; the others are left then
 */
export async function* mergeAnswers({ running, waiting, leave }: AnswersToMerge): AsyncGenerator<MergedEvent, void> {
  const open = new Map(running.map((events, prompt) => [prompt, events]))
  const arriving = new Map([...open].map(([prompt, events]) => [prompt, arrival(prompt, events)]))
  let begun = running.length
  try {
    while (arriving.size > 0) {
      const { prompt, result } = await Promise.race(arriving.values())
      const events = open.get(prompt)
      if (result.done !== true && events !== undefined) {
        arriving.set(prompt, arrival(prompt, events))
        yield { prompt, event: result.value }
        continue
      }
      open.delete(prompt)
      arriving.delete(prompt)
      const begin = waiting[begun - running.length]
      if (begin === undefined) continue
      const next = await begin()
      open.set(begun, next)
      arriving.set(begun, arrival(begun, next))
      begun += 1
    }
  } finally {
    leave()
    // What is awaited may fail now that it is left, and nobody is there to hear of it.
    for (const arrived of arriving.values()) arrived.catch(() => undefined)
    await Promise.allSettled([...open.values()].map((events) => events.return()))
  }
}

async function arrival(prompt: number, events: Events): Promise<Arrived> {
  return { prompt, result: await events.next() }
}
