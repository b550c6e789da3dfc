import type { GenerateEvent } from '@loupe/shared/wire'
import { describe, expect, it } from 'vitest'
import { TINY_IDS, tinyId, tinyTokenizer } from '../testing/tiny-tokenizer.ts'
import { type AnswerEvent, type ReadOptions, readAnswer } from './read-answer.ts'

const summary = { prompt_tokens: 9, image_tokens: 0, cached_tokens: 7, images_cached: 0 }
const done = (completion_tokens: number): GenerateEvent => ({
  type: 'done',
  summary: { ...summary, finish_reason: 'length', completion_tokens },
})
const token = (...ids: number[]): GenerateEvent => ({ type: 'tokens', ids })

async function read(
  events: readonly GenerateEvent[],
  stop: readonly string[] = [],
  choices = 1,
  more: Partial<ReadOptions> = {},
) {
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
  const plain = { showsStop: false, minTokens: 0, functions: [] }
  const options = { tokenizer: tinyTokenizer, stop, choices, ...plain, ...more }
  for await (const event of readAnswer(source(), options)) seen.push(event)
  return { seen, taken, isLeft }
}

const textOf = (seen: readonly AnswerEvent[]) =>
  seen.flatMap((event) => (event.type === 'text' && event.text !== '' ? [event.text] : []))

describe('readAnswer', () => {
  it('shows each token and ends with the worker’s own counts', async () => {
    const { seen } = await read([token(tinyId('a')), token(tinyId('b'), tinyId('c')), done(3)])
    expect(seen).toEqual([
      { type: 'text', choice: 0, text: 'a', logprobs: [], completionTokens: 1 },
      { type: 'text', choice: 0, text: 'bc', logprobs: [], completionTokens: 3 },
      { type: 'end', choice: 0, finishReason: 'length', completionTokens: 3 },
      { type: 'done', counts: { completionTokens: 3, cachedTokens: 7 } },
    ])
  })

  it('never cuts a character in half (rule 12)', async () => {
    const bytes = Array.from(new TextEncoder().encode('né😀'), (byte) =>
      tinyId(`<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`),
    )
    const { seen } = await read([...bytes.map((id) => token(id)), done(bytes.length)])
    expect(textOf(seen)).toEqual(['n', 'é', '😀'])
    expect(seen).toHaveLength(bytes.length + 2) // a step that shows nothing is an event, too
  })

  it('does not show control tokens that the model writes', async () => {
    const { seen } = await read([token(TINY_IDS.soft), token(tinyId('a')), token(TINY_IDS.turn), done(3)])
    expect(textOf(seen)).toEqual(['a'])
  })

  it('ends at a stop string, leaves the worker there and counts the tokens it took', async () => {
    const ids = [...'red. blue'].map((letter) => tinyId(letter === ' ' ? '\u2581' : letter))
    const [first = 0, ...others] = ids
    const events = [{ ...token(first), cachedTokens: 5 }, ...others.map((id) => token(id)), done(9)]
    const { seen, taken, isLeft } = await read(events, ['. b'])
    expect(textOf(seen).join('')).toBe('red')
    expect(seen.slice(-2)).toEqual([
      { type: 'end', choice: 0, finishReason: 'stop', stop: '. b', completionTokens: 6 },
      { type: 'done', counts: { completionTokens: 6, cachedTokens: 5 } },
    ])
    expect(taken).toBe(6)
    expect(isLeft).toBe(true)
  })

  it('shows at the end what might have become a stop string', async () => {
    const { seen } = await read([token(tinyId('a')), token(tinyId('b')), done(2)], ['bc'])
    expect(textOf(seen)).toEqual(['a', 'b'])
  })
  it('reads several answers apart, and goes on with the others when a stop string ends one', async () => {
    const of = (choice: number, letter: string): GenerateEvent => ({ type: 'tokens', choice, ids: [tinyId(letter)] })
    const { seen } = await read(
      [
        of(0, 'a'),
        of(1, 'x'),
        of(1, '.'),
        of(0, 'b'),
        of(1, 'y'),
        { type: 'end', choice: 0, summary: { finish_reason: 'length', completion_tokens: 2 } },
        done(5),
      ],
      ['.'],
      2,
    )
    const textBy = (choice: number) => textOf(seen.filter((event) => event.type !== 'done' && event.choice === choice))
    expect([textBy(0).join(''), textBy(1).join('')]).toEqual(['ab', 'x'])
    expect(seen.filter((event) => event.type !== 'text')).toEqual([
      { type: 'end', choice: 1, finishReason: 'stop', stop: '.', completionTokens: 3 },
      { type: 'end', choice: 0, finishReason: 'length', completionTokens: 4 },
      { type: 'done', counts: { completionTokens: 4, cachedTokens: 7 } },
    ])
  })

  it('leaves the worker when stop strings have ended all answers', async () => {
    const dot = (choice: number): GenerateEvent => ({ type: 'tokens', choice, ids: [tinyId('.')] })
    const { seen, isLeft, taken } = await read([dot(1), dot(0), dot(0), done(3)], ['.'], 2)
    expect(seen.at(-1)).toEqual({ type: 'done', counts: { completionTokens: 2, cachedTokens: 0 } })
    expect([isLeft, taken]).toEqual([true, 2])
  })

  it('does not take an answer that nobody asked for', async () => {
    await expect(read([{ type: 'tokens', choice: 1, ids: [tinyId('a')] }])).rejects.toMatchObject({
      code: 'worker.lost',
    })
  })

  it('tells how likely the tokens of a text were together with it, and nothing of a stop string (rule 13)', async () => {
    const likely = (piece: string, logprob: number): GenerateEvent => {
      const [id, other] = [tinyId(piece), tinyId('z')]
      return { type: 'tokens', ids: [id], logprobs: [logprob], topLogprobs: [[{ id: other, logprob: -0.5 }]] }
    }
    const events = [likely('<0xC3>', -1), likely('<0xA9>', -2), likely('a', -3), likely('b', -4), likely('c', -5)]
    const { seen } = await read([...events, done(5)], ['bc'])
    const told = seen.flatMap((event) => (event.type === 'text' ? [event] : []))
    expect(told.map(({ text, logprobs }) => [text, logprobs.map(({ logprob }) => logprob)])).toEqual([
      ['', [-1]],
      ['é', [-2]],
      ['a', [-3]],
      ['', []],
    ])
    expect(told[0]?.logprobs[0]).toEqual({
      token: '\ufffd',
      logprob: -1,
      bytes: [0xc3],
      top_logprobs: [{ token: 'z', logprob: -0.5, bytes: [0x7a] }],
    })
  })

  it('tells how likely what was held back was when it is shown at the end', async () => {
    const likely = { type: 'tokens', ids: [tinyId('b')], logprobs: [-4] } as const
    const { seen } = await read([likely, done(1)], ['bc'])
    const told = seen.flatMap((event) => (event.type === 'text' ? [event] : []))
    expect(told.map(({ text, logprobs }) => [text, logprobs.length])).toEqual([
      ['', 0],
      ['b', 1],
    ])
  })
})

/** Each letter a token; blanks are a token of their own. */
const tokensOf = (text: string) => Array.from(tinyTokenizer.encode(text), (id) => token(id))

describe('readAnswer, where functions may be called', () => {
  const functions = ['now', 'weather']
  const call = '{"name": "weather", "parameters": {"city": "Rome"}}'
  const seenOf = async (text: string, more: Partial<ReadOptions> = {}, stop: readonly string[] = []) => {
    const events = tokensOf(text)
    return (await read([...events, done(events.length)], stop, 1, { functions, ...more })).seen
  }

  it('tells a call, its arguments in pieces, and how it ended (rule 10)', async () => {
    const seen = await seenOf(call)
    const [begin, ...others] = seen.filter(({ type }) => type !== 'text' && type !== 'tool_arguments')
    expect(begin).toEqual({
      type: 'tool_call',
      choice: 0,
      index: 0,
      id: expect.stringMatching(/^call_[0-9a-f]{24}$/),
      name: 'weather',
      completionTokens: '{"name": "weather", "parameters": {'.length,
    })
    expect(others.map((event) => event.type === 'end' && event.finishReason)).toEqual(['tool_calls', false])
    const pieces = seen.flatMap((event) => (event.type === 'tool_arguments' ? [event.text] : []))
    expect(pieces.join('')).toBe('{"city": "Rome"}')
    expect(pieces.length).toBeGreaterThan(5)
    expect(textOf(seen)).toEqual([])
  })

  it('shows a step that shows nothing while it does not know what the answer is', async () => {
    const events = tokensOf(call)
    const { seen } = await read([...events.slice(0, 5), done(5)], [], 1, { functions })
    expect(seen.filter(({ type }) => type === 'text')).toHaveLength(6)
  })

  it('looks for stop strings in text, not in calls', async () => {
    expect((await seenOf(call, {}, ['Rome', '{'])).at(-2)).toMatchObject({ finishReason: 'tool_calls' })
    const seen = await seenOf('Ask Rome', {}, ['Rome'])
    expect([textOf(seen).join(''), seen.at(-2)]).toMatchObject(['Ask ', { finishReason: 'stop' }])
  })

  it('says that the length cut a call off, and shows what came of it', async () => {
    const seen = await seenOf('{"name": "weather", "parameters": {"city": "Ro')
    expect(seen.flatMap((event) => (event.type === 'tool_arguments' ? [event.text] : [])).join('')).toBe('{"city": "Ro')
    expect(seen.at(-2)).toMatchObject({ type: 'end', finishReason: 'length' })
    const early = await seenOf('{"name": "wea')
    expect([textOf(early).join(''), early.at(-2)]).toMatchObject(['{"name": "wea', { finishReason: 'length' }])
  })

  it('gives no log probabilities of calls, and all of text (rule 13)', async () => {
    const likely = (text: string) =>
      Array.from(tinyTokenizer.encode(text), (id): GenerateEvent => ({ type: 'tokens', ids: [id], logprobs: [-1] }))
    const count = async (text: string) => {
      const { seen } = await read([...likely(text), done(1)], [], 1, { functions })
      return seen.flatMap((event) => (event.type === 'text' ? event.logprobs : [])).length
    }
    expect(await count(call)).toBe(0)
    expect(await count('{"a": 1}')).toBe(8)
  })
})

describe('readAnswer, about stop strings', () => {
  it('shows the one that ended the answer where it is asked to', async () => {
    const { seen } = await read([...tokensOf('one.two'), done(7)], ['.'], 1, { showsStop: true })
    expect(textOf(seen).join('')).toBe('one.')
  })

  it('looks for none before the answer has its least tokens', async () => {
    const events = [...tokensOf('a.b.c'), done(5)]
    expect(textOf((await read(events, ['.'], 1, { minTokens: 2 })).seen).join('')).toBe('a.b')
    const many = [token(...tinyTokenizer.encode('a.b.c')), done(5)]
    expect(textOf((await read(many, ['.'], 1, { minTokens: 2 })).seen).join('')).toBe('a.b')
  })
})
