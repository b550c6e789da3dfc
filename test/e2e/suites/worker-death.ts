import type { ChatCompletion, ChatCompletionChunk } from '@loupe/shared/schema'
import { describe, expect, it } from 'vitest'
import { dataUri, examplePath, imagePart, textPart } from '../support/pictures.ts'
import type { Stack } from '../support/stack.ts'
import { modelWithSwappedTokens } from '../support/swapped-tokens.ts'
import { startWorkerProcess } from '../support/worker-process.ts'

const about = (picture: string, question: string) => ({
  messages: [{ role: 'user', content: [imagePart(dataUri(examplePath(picture))), textPart(question)] }],
  temperature: 0,
})

const QUESTIONS = [
  about('red-circle.png', 'What is in this picture?'),
  about('three-blue-stars.png', 'What is in this picture?'),
  about('green-triangle.png', 'What is in this picture?'),
  about('two-pink-circles.png', 'How many are there?'),
]

/** Far more than is made before the worker is killed. */
const endless = (question: Readonly<Record<string, unknown>>) => ({ ...question, max_tokens: 4000, ignore_eos: true })

const contentOf = ({ choices }: ChatCompletion) => choices[0]?.message.content ?? ''

/** A worker that is killed, and others that come to its address. */
export function workerDeathSuite(stack: () => Stack): void {
  const ask = async (question: Readonly<Record<string, unknown>>): Promise<ChatCompletion> => {
    const reply = await stack().chat(question)
    expect(reply.status).toBe(200)
    // Its shape is held by other tests.
    return (await reply.json()) as ChatCompletion
  }

  describe('a worker that is killed in the middle of several answers', () => {
    it('ends each with an error, is waited for, and mixes nothing up when it is back', async () => {
      const alone: string[] = []
      for (const question of QUESTIONS) alone.push(contentOf(await ask(question)))
      expect(new Set(alone).size).toBe(QUESTIONS.length)
      const begun = await ask({ ...endless(QUESTIONS[0] ?? {}), max_tokens: 60 })

      const whole = stack().chat(endless(QUESTIONS[2] ?? {}))
      await expect.poll(() => stack().metric('vllm:num_requests_running')).toBe(1)
      const streams = await Promise.all(
        [...QUESTIONS, { ...QUESTIONS[1], n: 2 }].map(async (question) => {
          return readUntilItEnds(await stack().chat({ ...endless(question), stream: true }))
        }),
      )
      await Promise.all(streams.map(({ started }) => started))
      await expect.poll(() => stack().metric('vllm:num_requests_running')).toBe(streams.length + 2)
      await stack().worker.kill()

      const ends = await Promise.all(streams.map(({ ended }) => ended))
      for (const { events, fault } of ends) {
        expect(fault).toEqual({
          error: { message: expect.any(String), type: 'server_error', param: null, code: 'worker.lost' },
        })
        expect(events.every(({ choices }) => choices[0]?.finish_reason === null)).toBe(true)
      }
      // What came before the fault is what this question gets, and not what its neighbours do.
      const said = (ends[0]?.events ?? []).map(({ choices }) => choices[0]?.delta.content ?? '').join('')
      expect(said).not.toBe('')
      const [shorter = '', longer = ''] = [said, contentOf(begun)].toSorted((a, b) => a.length - b.length)
      expect(longer.startsWith(shorter)).toBe(true)
      const lost = await whole
      expect([lost.status, await lost.json()]).toMatchObject([502, { error: { code: 'worker.lost' } }])

      await expectUnavailable(stack())
      const port = Number(new URL(stack().worker.url).port)
      stack().worker = await startWorkerProcess({ port })
      const calls = stack().proxy.calls.length
      const again = await Promise.all(QUESTIONS.map((question) => ask(question)))
      expect(again.map(contentOf)).toEqual(alone)
      // It is new: it holds no picture, and no prefix.
      const statuses = stack()
        .proxy.calls.slice(calls)
        .filter(({ path }) => path.endsWith('/generate_stream'))
      expect(statuses.map(({ status }) => status).toSorted()).toEqual([200, 200, 200, 200, 409, 409, 409, 409])
      expect(again.map(({ usage }) => usage.prompt_tokens_details?.cached_tokens)).toEqual([0, 0, 0, 0])
    })
  })

  describe('a worker with another model of the same name', () => {
    it('gets tokens of its own tokenizer, and is read with that', async () => {
      const [question = {}] = QUESTIONS
      const { proxy } = stack()
      using model = modelWithSwappedTokens('▁red', '▁blue')
      const other = await startWorkerProcess({ args: ['--model', model.path, '--name', 'loupe-tiny'] })
      try {
        const before = contentOf(await ask(question))
        expect(before).toContain(' red ')
        proxy.target = other.url
        // It says the same tokens, which mean another colour there.
        expect(contentOf(await ask(question))).toBe(before.replace(' red ', ' blue '))
        proxy.target = stack().worker.url
        expect(contentOf(await ask(question))).toBe(before)
      } finally {
        proxy.target = stack().worker.url
        await other.kill()
      }
    })
  })
}

async function expectUnavailable({ chat, edgeUrl }: Stack): Promise<void> {
  for (const stream of [false, true]) {
    const reply = await chat({ ...QUESTIONS[0], stream })
    expect([reply.status, reply.headers.get('retry-after')]).toEqual([503, '1'])
    expect(await reply.json()).toMatchObject({ error: { type: 'server_error', code: 'worker.unavailable' } })
  }
  expect((await fetch(`${edgeUrl}/readyz`)).status).toBe(503)
  expect((await fetch(`${edgeUrl}/healthz`)).status).toBe(200)
}

interface BrokenStream {
  /** What was said. */
  readonly events: readonly ChatCompletionChunk[]
  /** What came last. */
  readonly fault: unknown
}

/** Reads a stream. `started` resolves with its first text, `ended` with everything. */
function readUntilItEnds(reply: Response): { started: Promise<void>; ended: Promise<BrokenStream> } {
  const { promise: started, resolve } = Promise.withResolvers<void>()
  const read = async (): Promise<BrokenStream> => {
    expect(reply.status).toBe(200)
    let text = ''
    for await (const part of reply.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      text += part
      if (/"content":"[^"]/.test(text)) resolve()
    }
    expect(text).not.toContain('[DONE]')
    const lines = text.split('\n').filter((line) => line.startsWith('data: '))
    const values = lines.map((line) => JSON.parse(line.slice('data: '.length)))
    return { events: values.slice(0, -1), fault: values.at(-1) }
  }
  return { started, ended: read() }
}
