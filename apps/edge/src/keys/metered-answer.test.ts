import { AppError } from '@loupe/shared/errors'
import { describe, expect, it } from 'vitest'
import type { AnswerEvent } from '../chat/read-answer.ts'
import type { AnswerLedger } from './answer-ledger.ts'
import { meteredAnswer } from './metered-answer.ts'

const TOKENS = { promptTokens: 100, answerTokens: 50 }
const text = (completionTokens: number): AnswerEvent => {
  return { type: 'text', choice: 0, text: 'a', logprobs: [], completionTokens }
}
const done = (completionTokens: number): AnswerEvent => {
  return { type: 'done', counts: { completionTokens, cachedTokens: 90 } }
}

/** A ledger, and the settlements that came. */
function ledger() {
  const settled: [used: number, isWhole: boolean][] = []
  const reserved: unknown[] = []
  const recording: AnswerLedger = {
    async reserve(tokens) {
      reserved.push(tokens)
      return { settle: (used, isWhole) => settled.push([used, isWhole]) }
    },
  }
  return { recording, reserved, settled }
}

async function* events(...all: (AnswerEvent | Error)[]): AsyncGenerator<AnswerEvent, void> {
  for (const event of all) {
    if (event instanceof Error) throw event
    yield event
  }
}

/** Reads an answer to its end. */
async function countOf(answer: AsyncIterable<AnswerEvent>): Promise<number> {
  let count = 0
  for await (const _ of answer) count++
  return count
}

async function start(all: (AnswerEvent | Error)[], signal = new AbortController().signal) {
  const { recording, reserved, settled } = ledger()
  const answer = await meteredAnswer({ ledger: recording, ...TOKENS, signal }, async () => events(...all))
  return { answer, reserved, settled }
}

describe('an answer that is metered', () => {
  it('sets its tokens aside and settles with what it has taken, cached ones too', async () => {
    const { answer, reserved, settled } = await start([text(1), text(2), done(3)])
    expect(await countOf(answer)).toBe(3)
    expect(reserved).toEqual([TOKENS])
    expect(settled[0]).toEqual([103, true])
  })

  it('settles with what was made until a fault', async () => {
    const { answer, settled } = await start([text(7), new AppError('worker.lost')])
    await expect(countOf(answer)).rejects.toThrow()
    expect(settled[0]).toEqual([107, false])
  })

  it('settles when its reader leaves in the middle', async () => {
    const { answer, settled } = await start([text(7), text(8), done(8)])
    await answer.next()
    await answer.return()
    expect(settled[0]).toEqual([107, false])
  })

  it('settles when its reader leaves before the first event, which no generator notices', async () => {
    const left = new AbortController()
    const { settled } = await start([text(7), done(7)], left.signal)
    left.abort()
    expect(settled[0]).toEqual([100, false])
    expect((await start([done(1)], AbortSignal.abort())).settled[0]).toEqual([100, false])
  })

  it('costs nothing when the worker refuses it', async () => {
    const { recording, settled } = ledger()
    const signal = new AbortController().signal
    const refused = meteredAnswer({ ledger: recording, ...TOKENS, signal }, () =>
      Promise.reject(new AppError('queue.full')),
    )
    await expect(refused).rejects.toMatchObject({ code: 'queue.full' })
    expect(settled).toEqual([[0, true]])
  })

  it('does not ask the worker when the ledger refuses', async () => {
    let asked = 0
    const signal = new AbortController().signal
    const refusing: AnswerLedger = { reserve: () => Promise.reject(new AppError('quota.exceeded')) }
    const refused = meteredAnswer({ ledger: refusing, ...TOKENS, signal }, async () => {
      asked++
      return events()
    })
    await expect(refused).rejects.toMatchObject({ code: 'quota.exceeded' })
    expect(asked).toBe(0)
  })
})
