import { AppError } from '@loupe/shared/errors'
import { readBounded } from './read-bounded.ts'

/** Far more than an honest mistake, such as a photograph straight from a camera. */
const LINGER_BYTES = 64 * 1024 * 1024

/**
 * Reads a JSON body that is not longer than the limit. A longer one is refused by its announced length before any of it
 * is kept, or as soon as the limit is passed.
 *
 * @throws AppError `request.too_large`, `request.invalid`, `request.cancelled` when the body breaks off
 */
export async function readJson(request: Request, maxBytes: number): Promise<unknown> {
  const bytes = await readBody(request, maxBytes)
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    // No cause: its message quotes what was read, and prompts do not belong into a log.
    const found = bytes.byteLength === 0 ? 'an empty body' : 'something else'
    throw new AppError('request.invalid', `Expected a JSON object in UTF-8 as the body, found ${found}.`)
  }
}

/**
 * Reads a body that is not longer than the limit.
 *
 * @throws AppError `request.too_large`, `request.cancelled` when the body breaks off
 */
export async function readBody(request: Request, maxBytes: number): Promise<Uint8Array> {
  return readBounded(request, maxBytes, () => {
    return new AppError('request.too_large', `Expected at most ${maxBytes} bytes.`)
  }).catch(async (error: unknown) => {
    if (!AppError.isInstance(error)) throw new AppError('request.cancelled', '', { cause: error })
    await linger(request.body)
    throw error
  })
}

/** Takes in what a client still sends and keeps none of it: one that is cut off while it sends never reads the refusal. */
async function linger(body: ReadableStream<Uint8Array> | null): Promise<void> {
  const reader = body?.getReader()
  for (let bytes = 0; reader !== undefined && bytes < LINGER_BYTES; ) {
    const { done, value } = await reader.read()
    if (done) return
    bytes += value.byteLength
  }
}
