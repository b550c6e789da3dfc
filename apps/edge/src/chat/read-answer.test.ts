import type { GenerateEvent } from '@loupe/shared/wire'
import { describe, expect, it } from 'vitest'
import { TINY_IDS, tinyId, tinyTokenizer } from '../testing/tiny-tokenizer.ts'
import { type AnswerEvent, readAnswer } from './read-answer.ts'

const summary = { prompt_tokens: 9, image_tokens: 0, cached_tokens: 7, images_cached: 0 }
const done = (completion_tokens: number): GenerateEvent => ({
  type: 'done',
  summary: { ...summary, finish_reason: 'length', completion_tokens },
})
const token = (...ids: number[]): GenerateEvent => ({ type: 'tokens', ids })

async function read(events: readonly GenerateEvent[], stop: readonly string[] = []) {
  let taken = 0
  let isLeft = false
  async function* source(): AsyncGenerator<GenerateEvent, void> {
    try {
      for (const event of events) {
        taken++
        yield await Promise.resolve(event)
      }
    } finally {
      isLeft = true
    }
  }
  const seen: AnswerEvent[] = []
  for await (const event of readAnswer(source(), { tokenizer: tinyTokenizer, stop })) seen.push(event)
  return { seen, taken, isLeft }
}

const textOf = (seen: readonly AnswerEvent[]) =>
  seen.flatMap((event) => (event.type === 'text' && event.text !== '' ? [event.text] : []))

describe('readAnswer', () => {
  it('shows each token and ends with the worker’s own counts', async () => {
    const { seen } = await read([token(tinyId('a')), token(tinyId('b'), tinyId('c')), done(3)])
    expect(seen).toEqual([
      { type: 'text', text: 'a', completionTokens: 1 },
      { type: 'text', text: 'bc', completionTokens: 3 },
      { type: 'end', finishReason: 'length', counts: { completionTokens: 3, cachedTokens: 7 } },
    ])
  })

  it('never cuts a character in half (rule 12)', async () => {
    const bytes = Array.from(new TextEncoder().encode('né😀'), (byte) =>
      tinyId(`<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`),
    )
    const { seen } = await read([...bytes.map((id) => token(id)), done(bytes.length)])
    expect(textOf(seen)).toEqual(['n', 'é', '😀'])
    expect(seen).toHaveLength(bytes.length + 1) // a step that shows nothing is an event, too
  })

  it('does not show control tokens that the model writes', async () => {
    const { seen } = await read([token(TINY_IDS.soft), token(tinyId('a')), token(TINY_IDS.turn), done(3)])
    expect(textOf(seen)).toEqual(['a'])
  })

  it('ends at a stop string, leaves the worker there and counts the tokens it took', async () => {
    const ids = [...'red. blue'].map((letter) => tinyId(letter === ' ' ? '\u2581' : letter))
    const { seen, taken, isLeft } = await read([...ids.map((id) => token(id)), done(9)], ['. b'])
    expect(textOf(seen).join('')).toBe('red')
    expect(seen.at(-1)).toEqual({
      type: 'end',
      finishReason: 'stop',
      counts: { completionTokens: 6, cachedTokens: 0 },
    })
    expect(taken).toBe(6)
    expect(isLeft).toBe(true)
  })

  it('shows at the end what might have become a stop string', async () => {
    const { seen } = await read([token(tinyId('a')), token(tinyId('b')), done(2)], ['bc'])
    expect(textOf(seen)).toEqual(['a', 'b'])
  })
})
