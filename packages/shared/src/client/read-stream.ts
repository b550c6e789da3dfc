import type { z } from 'zod'
import { createSseParser } from '../wire/sse.ts'
import { bodyError, LoupeError } from './loupe-error.ts'

/**
 * Reads a streamed reply to its `[DONE]`. To leave the loop cancels the request.
 *
 * @throws LoupeError the error that the stream ends with; `client.bad_reply` for a stream that ends early or holds
 * something else
 */
export async function* readStream<T>(reply: Response, schema: z.ZodType<T>): AsyncGenerator<T, void> {
  const context = { status: reply.status, requestId: reply.headers.get('x-request-id') ?? undefined }
  const reader = reply.body?.getReader()
  const parser = createSseParser()
  try {
    for (let read = await reader?.read(); read?.done === false; read = await reader?.read()) {
      for (const { data } of parser.push(read.value)) {
        if (data === '[DONE]') return
        const value = parseJson(data)
        if (isError(value)) throw bodyError(value, context)
        yield checkReply(value, schema, context)
      }
    }
  } finally {
    await reader?.cancel().catch(() => undefined) // a broken stream has nothing left to cancel
  }
  throw new LoupeError('Expected the stream to end with [DONE], found its end before.', {
    ...context,
    code: 'client.bad_reply',
  })
}

/** A reply after its schema. @throws LoupeError `client.bad_reply` */
export function checkReply<T>(
  value: unknown,
  schema: z.ZodType<T>,
  context: { readonly status: number; readonly requestId: string | undefined },
): T {
  const read = schema.safeParse(value)
  if (read.success) return read.data
  const path = read.error.issues[0]?.path.join('.') ?? ''
  const message = `Expected a reply of the schema, found another at "${path}".`
  throw new LoupeError(message, { ...context, code: 'client.bad_reply', cause: read.error })
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // no schema takes it
  }
}

/** The events of a stream have no field `error` but the one that ends it; a stored response may hold a null there. */
function isError(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'error' in value && value.error !== null
}
