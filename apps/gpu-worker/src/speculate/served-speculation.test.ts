import { decodeGenerateResponse, HEADER_LENGTH_HEADER } from '@loupe/shared/wire'
import { describe, expect, it } from 'vitest'
import { createFixture, INFER, question } from '../testing/worker-fixture.ts'

/** A line that is said five times, and then something else. */
const ANSWER = [...Array.from({ length: 5 }, () => [10, 11, 12, 13]).flat(), 20, 21, 22]

async function answerOf(speculate: number | 'auto') {
  const { app, model } = createFixture({ speculate })
  model.answer = ANSWER
  const response = await app.request(INFER, question())
  const body = new Uint8Array(await response.arrayBuffer())
  const { outputIds } = decodeGenerateResponse({ headerLength: response.headers.get(HEADER_LENGTH_HEADER), body })
  return { ids: [...outputIds], steps: model.steps, metrics: await (await app.request('/metrics')).text() }
}

describe('a worker', () => {
  it('computes guessed tokens in one run, and counts them', async () => {
    const { ids, steps, metrics } = await answerOf(3)
    expect(ids).toEqual(ANSWER)
    // Six tokens one by one, until two repeat; four each of three runs, then three of one, two more, and the end.
    expect(steps.prefill + steps.decode).toBe(6 + 3 + 1 + 3)
    expect(metrics).toContain('vllm:spec_decode_num_draft_tokens_total{model_name="fake"} 12\n')
    expect(metrics).toContain('vllm:spec_decode_num_accepted_tokens_total{model_name="fake"} 11\n')
  })

  it('guesses nothing when it is told so', async () => {
    const { ids, steps, metrics } = await answerOf(0)
    expect(ids).toEqual(ANSWER)
    expect([steps.prefill, steps.decode]).toEqual([1, ANSWER.length])
    expect(metrics).toContain('vllm:spec_decode_num_draft_tokens_total{model_name="fake"} 0\n')
  })
})
