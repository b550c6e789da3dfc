import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runCommand } from '../testing/cli-fixture.ts'
import { ask } from './ask.ts'

interface Seen {
  readonly path: string
  readonly authorization: string | undefined
  readonly body: { messages?: { content: unknown }[]; [name: string]: unknown }
}

/** A server that speaks the public API: what it saw, and how it answers a chat. */
const seen: Seen[] = []
let answerChat: (response: ServerResponse) => void = () => {}
const server = createServer(async (request, response) => {
  const body = await text(request)
  const { authorization } = request.headers
  seen.push({ path: request.url ?? '', authorization, body: body === '' ? {} : JSON.parse(body) })
  if (request.url === '/v1/models') return response.end(models)
  answerChat(response)
})
let url = ''
let folder = ''

const MODELS = JSON.stringify({
  object: 'list',
  data: [
    {
      id: 'the-model',
      object: 'model',
      created: 0,
      owned_by: 'x',
      context_length: 8,
      tokens_per_image: 1,
      input_modalities: ['text'],
    },
  ],
})

let models = MODELS

const chunk = (content: string) =>
  `data: ${JSON.stringify({
    id: 'c',
    object: 'chat.completion.chunk',
    created: 0,
    model: 'm',
    choices: [{ index: 0, delta: { content }, logprobs: null, finish_reason: null }],
  })}\n\n`

const failure = (code: string, message: string) =>
  JSON.stringify({ error: { message, type: 'invalid_request_error', param: null, code } })

async function text(request: IncomingMessage): Promise<string> {
  let all = ''
  for await (const piece of request) all += piece
  return all
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'loupe-ask-'))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})

afterAll(async () => {
  server.close()
  await rm(folder, { recursive: true })
})

describe('loupe ask --url', () => {
  it('sends one request with the picture and prints the answer as it comes', async () => {
    const path = join(folder, 'picture.dat')
    await writeFile(path, Buffer.from('\x89PNG\r\n\x1a\nrest', 'latin1'))
    seen.length = 0
    answerChat = (response) => response.end(`: ping\n\n${chunk('A red')}${chunk(' circle.')}data: [DONE]\n\n`)
    const run = await runCommand(ask, ['What?', path, '--url', `${url}/v1/`, '--model', 'm', '--max-tokens', '9'])
    expect(run).toEqual({ stdout: 'A red circle.\n', stderr: '' })
    expect(seen).toHaveLength(1)
    expect(seen[0]?.path).toBe('/v1/chat/completions')
    expect(seen[0]?.body).toEqual({
      model: 'm',
      stream: true,
      max_completion_tokens: 9,
      messages: [
        {
          role: 'user',
          content: [
            { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw0KGgpyZXN0' } },
            { type: 'text', text: 'What?' },
          ],
        },
      ],
    })
  })

  it('takes the first model of the server when none is named', async () => {
    seen.length = 0
    answerChat = (response) => response.end('data: [DONE]\n\n')
    await runCommand(ask, ['What?', '--url', url])
    expect(seen.map(({ path, body }) => [path, body['model']])).toEqual([
      ['/v1/models', undefined],
      ['/v1/chat/completions', 'the-model'],
    ])
  })

  it.each([
    [
      'an error reply',
      (r: ServerResponse) => r.writeHead(404).end(failure('model_not_found', 'No m.')),
      'model.unknown',
      'No m.',
    ],
    [
      'an error event',
      (r: ServerResponse) => r.end(`${chunk('A')}data: ${failure('worker.lost', 'Gone.')}\n\n`),
      'worker.lost',
      'Gone.',
    ],
    ['an unknown code', (r: ServerResponse) => r.writeHead(500).end(failure('x', 'Hm.')), 'worker.lost', 'Hm.'],
    ['a reply that is no JSON', (r: ServerResponse) => r.writeHead(502).end('<html>'), 'worker.lost', 'status 502'],
    ['an event that is no JSON', (r: ServerResponse) => r.end('data: <html>\n\n'), 'worker.lost', 'unreadable'],
    [
      'a connection that breaks',
      (r: ServerResponse) => r.write(chunk('A'), () => r.destroy()),
      'worker.lost',
      'broke off',
    ],
    ['an answer that breaks off', (r: ServerResponse) => r.end(chunk('A')), 'worker.lost', 'broke off'],
  ])('reports %s', async (_, answer, code, message) => {
    answerChat = answer
    const run = runCommand(ask, ['What?', '--url', url, '--model', 'm'])
    await expect(run).rejects.toMatchObject({ code, message: expect.stringContaining(message) })
  })

  it.each(['<html>', '{"object":"list"}'])('reports a list of models that is none: %s', async (list) => {
    models = list
    const run = runCommand(ask, ['What?', '--url', url])
    await expect(run).rejects.toMatchObject({ code: 'worker.lost', message: expect.stringContaining('list of models') })
    models = MODELS
  })
})

describe('loupe ask', () => {
  it.each([
    ['no question', []],
    ['an empty question', [' ']],
    ['a picture that is not there', ['What?', 'nowhere.png']],
    ['an address where nobody listens', ['What?', '--url', 'http://127.0.0.1:9']],
    ['a model that is not there', ['What?', '--model', 'nowhere']],
    ['a device that does not exist', ['What?', '--device', 'tpu']],
    ['a dtype that does not exist', ['What?', '--dtype', 'f8']],
  ])('refuses %s before it starts anything', async (name, argv) => {
    const code = name.startsWith('an address') ? 'worker.unavailable' : 'usage.invalid'
    await expect(runCommand(ask, argv)).rejects.toMatchObject({ code })
  })
})
