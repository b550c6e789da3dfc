import { describe, expect, it } from 'vitest'
import { eventStreamResponse } from './responses.ts'

async function* eventsOf(...waits: (Promise<unknown> | string)[]): AsyncGenerator<string, void> {
  for (const each of waits) {
    if (typeof each === 'string') yield each
    else await each
  }
}

describe('eventStreamResponse', () => {
  it('sends a comment while nothing else is sent, between whole events', async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const events = eventsOf('data: 1\n\n', promise, 'data: 2\n\n')
    const response = eventStreamResponse(events, { onLeave: () => {}, keepAliveMs: 5 })
    let text = ''
    for await (const bytes of response.body ?? []) {
      text += new TextDecoder().decode(bytes)
      if (text.includes(': ping')) resolve()
    }
    expect(text).toMatch(/^data: 1\n\n(: ping\n\n)+data: 2\n\n$/)
  })

  it('tells when the client leaves', async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const events = eventsOf(new Promise(() => {}))
    const response = eventStreamResponse(events, { onLeave: resolve, keepAliveMs: 60_000 })
    await response.body?.cancel()
    await expect(promise).resolves.toBeUndefined()
  })

  it('does not say that a client left that has read to the end', async () => {
    let left = 0
    const response = eventStreamResponse(eventsOf('data: 1\n\n'), { onLeave: () => left++, keepAliveMs: 60_000 })
    expect(await response.text()).toBe('data: 1\n\n')
    expect(left).toBe(0)
  })
})
