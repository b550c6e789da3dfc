import { readFile } from 'node:fs/promises'
import { AppError } from '@loupe/shared/errors'
import { chatCompletionChunk, errorReply, modelCards } from '@loupe/shared/schema'
import { createSseParser } from '@loupe/shared/wire'
import { type ApiServer, apiError, callApi, parsedOrNothing } from './api-call.ts'

/** One question over the public API. */
export interface Question extends ApiServer {
  /** The server's first model when there is no name. */
  readonly model: string | undefined
  readonly text: string
  /** Addresses of pictures, `data:` or `https:`. */
  readonly images: readonly string[]
  readonly maxTokens: number | undefined
}

/** A picture as a `data:` URI; what it is, its first bytes say. @throws AppError `usage.invalid` for no such file */
export async function dataUri(path: string): Promise<string> {
  const bytes = await readFile(path).catch((cause: NodeJS.ErrnoException) => {
    const why = cause.code === 'ENOENT' ? 'there is no such file' : cause.message
    throw new AppError('usage.invalid', `Cannot read the picture ${path}: ${why}.`, { cause })
  })
  return `data:${mediaType(bytes)};base64,${bytes.toString('base64')}`
}

/**
 * Asks, and gives the answer as it comes.
 *
 * @throws AppError what the API reports, or `worker.unavailable` when nobody listens
 */
export async function* askApi(question: Question): AsyncGenerator<string, void> {
  const { text, images, maxTokens } = question
  const parts = images.map((url) => ({ type: 'image_url', image_url: { url } }))
  const body = {
    model: question.model ?? (await firstModel(question)),
    stream: true,
    ...(maxTokens === undefined ? {} : { max_completion_tokens: maxTokens }),
    messages: [{ role: 'user', content: [...parts, { type: 'text', text }] }],
  }
  const response = await callApi(question, '/v1/chat/completions', { method: 'POST', body: JSON.stringify(body) })
  if (response.body === null) throw new AppError('worker.lost', 'The server sent no answer.')
  const parser = createSseParser()
  for await (const bytes of pieces(response.body)) {
    for (const { data } of parser.push(bytes)) {
      if (data === '[DONE]') return
      yield textOf(data)
    }
  }
  throw new AppError('worker.lost', 'The answer broke off.')
}

async function* pieces(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  try {
    yield* body
  } catch (cause) {
    throw new AppError('worker.lost', 'The answer broke off.', { cause })
  }
}

/** All that is needed of a chunk: other servers leave out what ours always says. */
const shownPart = chatCompletionChunk.pick({ choices: true })

function textOf(data: string): string {
  const value = parsedOrNothing(data)
  const failure = errorReply.safeParse(value)
  if (failure.success) throw apiError(failure.data.error)
  const chunk = shownPart.safeParse(value)
  if (!chunk.success) throw new AppError('worker.lost', 'The server sent an unreadable event.', { cause: chunk.error })
  return chunk.data.choices.map(({ delta }) => delta.content ?? '').join('')
}

async function firstModel(question: Question): Promise<string> {
  const response = await callApi(question, '/v1/models', {})
  const list = modelCards.safeParse(parsedOrNothing(await response.text()))
  if (!list.success) {
    throw new AppError('worker.lost', `${question.url} sent an unreadable list of models.`, { cause: list.error })
  }
  const [first] = list.data.data
  if (first === undefined) throw new AppError('model.unknown', `${question.url} serves no model.`)
  return first.id
}

function mediaType(bytes: Uint8Array): string {
  const head = String.fromCharCode(...bytes.subarray(0, 12))
  if (head.startsWith('\x89PNG')) return 'image/png'
  if (head.startsWith('\xff\xd8\xff')) return 'image/jpeg'
  if (head.startsWith('RIFF') && head.endsWith('WEBP')) return 'image/webp'
  if (/^GIF8[79]a/.test(head)) return 'image/gif'
  if (/^ftyp(avi[fs]|mif1)/.test(head.slice(4))) return 'image/avif'
  return 'application/octet-stream' // the server says what it thinks of it
}
