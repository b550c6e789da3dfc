import {
  decodeGenerateResponse,
  type GenerateGrammar,
  type GenerateParameters,
  HEADER_LENGTH_HEADER,
  readGenerateStream,
} from '@loupe/shared/wire'
import { describe, expect, it } from 'vitest'
import { createFixture, INFER, prompt, question, STREAM } from '../testing/worker-fixture.ts'

async function infer(parameters: GenerateParameters, inputIds = prompt(0), app = createFixture().app) {
  const response = await app.request(INFER, question({ inputIds, parameters }))
  if (response.status !== 200) throw new Error(await response.text())
  const headerLength = response.headers.get(HEADER_LENGTH_HEADER)
  return decodeGenerateResponse({ headerLength, body: new Uint8Array(await response.arrayBuffer()) })
}

/** Even enough that every token is drawn now and then. */
const DRAWN = { temperature: 8, seed: 5, ignore_eos: true }

describe('an answer', () => {
  it('goes on elsewhere as it would have gone on here: draws and penalties', async () => {
    const parameters = { ...DRAWN, frequency_penalty: 2, repetition_penalty: 1.3 }
    const whole = await infer({ ...parameters, max_tokens: 24 })
    const begun = [...whole.outputIds.subarray(0, 9)]
    const inputIds = Int32Array.from([...prompt(0), ...begun])
    const goOn = (first_position: number) => {
      const { app, model } = createFixture()
      model.answer = [] // what it says at the places that are left
      return infer({ ...parameters, max_tokens: 15, first_position }, inputIds, app)
    }
    expect([...(await goOn(9)).outputIds]).toEqual([...whole.outputIds.subarray(9)])
    expect([...(await goOn(0)).outputIds]).not.toEqual([...whole.outputIds.subarray(9)])
  })

  it('has log probabilities and the likeliest tokens when they are asked for', async () => {
    const { outputIds, logprobs, topIds, topLogprobs } = await infer({ logprobs: true, top_logprobs: 2 })
    expect([...outputIds]).toEqual([10, 11, 12])
    const likely = -Math.log(1 + 63 * Math.exp(-10))
    expect([...(logprobs ?? [])].map((value) => value.toFixed(5))).toEqual(Array(3).fill(likely.toFixed(5)))
    expect([...(topIds ?? [])]).toEqual([10, 0, 11, 0, 12, 0])
    expect(topLogprobs?.[1]).toBeCloseTo(likely - 10, 5)
    expect(await infer({ logprobs: true })).not.toMatchObject({ topIds: expect.anything() })
    expect(await infer({})).not.toMatchObject({ logprobs: expect.anything() })
  })

  it('is bent by bias and penalties', async () => {
    expect([...(await infer({ logit_bias: { 10: -100, 20: 5 } })).outputIds]).toEqual([20, 11, 12])
    expect([...(await infer({ logit_bias: { 63: 11 }, presence_penalty: 4 })).outputIds]).toEqual([63, 11, 12])
  })

  it('has its least tokens, whatever would have ended it', async () => {
    const ends = createFixture().served.metadata.parameters.eos_token_ids
    const { outputIds, summary } = await infer({ min_tokens: 5, max_tokens: 8 })
    expect(outputIds).toHaveLength(5)
    expect([...outputIds].some((id) => ends.includes(id))).toBe(false)
    expect(summary.finish_reason).toBe('stop')
    expect((await infer({ min_tokens: 3, max_tokens: 8 })).outputIds).toHaveLength(3)
    const stopped = await infer({ min_tokens: 2, stop_token_ids: [10, 12] })
    expect(stopped.outputIds).toHaveLength(2)
    expect([...stopped.outputIds]).not.toContain(10)
  })

  it('counts its least tokens from the beginning where it was begun elsewhere', async () => {
    const inputIds = Int32Array.from([...prompt(0), 10, 11, 12])
    const rest = (min_tokens: number) => infer({ min_tokens, max_tokens: 8, first_position: 3 }, inputIds)
    expect((await rest(6)).outputIds).toHaveLength(3)
    expect((await rest(7)).outputIds).toHaveLength(4)
  })

  it.each<[GenerateParameters, string]>([
    [{ first_position: 2 }, 'parameters.first_position: expected a number below 2, found 2.'],
    [{ first_position: 1, n: 2 }, 'parameters.n: expected 1 beside first_position, found 2.'],
    [{ grammar: { type: 'json_object' }, min_tokens: 1 }, 'parameters.min_tokens: expected 0 beside a grammar'],
    [{ max_tokens: 2, min_tokens: 3 }, 'parameters.min_tokens: expected at most 2, found 3.'],
    [{ grammar: { type: 'json_object' }, ignore_eos: true }, 'parameters.ignore_eos: expected false beside a grammar'],
  ])('is refused when its parameters do not go together: %j', async (parameters, detail) => {
    const { app, served } = createFixture()
    const response = await app.request(INFER, question({ parameters }))
    expect([response.status, await response.json()]).toMatchObject([400, { error: expect.stringContaining(detail) }])
    expect(served.engine.load).toMatchObject({ running: 0, waiting: 0 })
  })
})

describe('several answers', () => {
  it('stand one behind the other, the first as if it were alone', async () => {
    const alone = await infer({ ...DRAWN, max_tokens: 6 })
    const { outputIds, summary } = await infer({ ...DRAWN, max_tokens: 6, n: 3 })
    expect(summary).toMatchObject({
      completion_tokens: 18,
      choices: Array(3).fill({ finish_reason: 'length', completion_tokens: 6 }),
    })
    expect([...outputIds.subarray(0, 6)]).toEqual([...alone.outputIds])
    expect([...outputIds.subarray(6, 12)]).not.toEqual([...outputIds.subarray(12)])
  })

  it('stream side by side, each with an end of its own', async () => {
    const response = await createFixture().app.request(STREAM, question({ parameters: { n: 2 } }))
    const ids: number[][] = [[], []]
    const ends: string[] = []
    for await (const event of readGenerateStream(response.body ?? expect.fail('a stream has a body'))) {
      if (event.type === 'tokens') ids[event.choice ?? 0]?.push(...event.ids)
      else ends.push(event.type === 'end' ? `${event.choice} ${event.summary.completion_tokens}` : 'done')
    }
    expect(ids).toEqual([
      [10, 11, 12],
      [10, 11, 12],
    ])
    expect([...ends.slice(0, 2).sort(), ends[2]]).toEqual(['0 3', '1 3', 'done'])
  })
})

describe('a grammar', () => {
  const slow: GenerateGrammar = { type: 'choice', choices: ['a'] }

  it('that is not ready in time ends its request, as a client does that leaves before', async () => {
    const { app, served } = createFixture()
    served.grammars.open = (_request, signal) => aborted(signal)
    const late = await app.request(INFER, question({ parameters: { grammar: slow, timeout_ms: 20 } }))
    expect([late.status, await late.json()]).toMatchObject([504, { code: 'worker.timeout' }])
    const client = new AbortController()
    const leaving = app.request(INFER, question({ parameters: { grammar: slow } }, client.signal))
    client.abort()
    expect((await leaving).status).toBe(499)
    expect(served.engine.load).toMatchObject({ running: 0, waiting: 0 })
  })
})

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const give = () => reject(signal.reason)
    signal.addEventListener('abort', give)
    if (signal.aborted) give()
  })
}
