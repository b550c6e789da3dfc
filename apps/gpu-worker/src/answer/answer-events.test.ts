import { describe, expect, it } from 'vitest'
import type { EngineEvent } from '../engine/engine.ts'
import { answerEvents } from './answer-events.ts'

const known = { prompt_tokens: 100, image_tokens: 0, images_cached: 0 }

async function* engineEvents(): AsyncGenerator<EngineEvent, void> {
  yield { type: 'start' }
  yield { type: 'token', choice: 0, id: 5, cachedTokens: 64 }
  yield { type: 'token', choice: 0, id: 6 }
  yield { type: 'done', choice: 0, finishReason: 'length', cachedTokens: 64 }
}

describe('answerEvents', () => {
  it('tells what was cached with the first token, for those who leave before the end, and once more at the end', async () => {
    const seen = []
    for await (const event of answerEvents(engineEvents(), known, 1)) seen.push(event)
    expect(seen).toMatchObject([
      { type: 'tokens', ids: [5], cachedTokens: 64 },
      { type: 'tokens', ids: [6], cachedTokens: undefined },
      { type: 'done', summary: { ...known, completion_tokens: 2, cached_tokens: 64 } },
    ])
  })
})
