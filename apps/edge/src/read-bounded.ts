/** Something with headers and a body: a request, or a reply to one of ours. */
interface Message {
  readonly headers: Headers
  readonly body: ReadableStream<Uint8Array> | null
}

/**
 * Reads a whole body that is not longer than the limit. What is too long is not kept: neither when the length is
 * announced nor when it shows on the way. The rest is left unread and not cancelled: that is the caller's to do.
 *
 * @throws what `tooLong` makes
 */
export async function readBounded(message: Message, maxBytes: number, tooLong: () => Error): Promise<Uint8Array> {
  const { body } = message
  if (Number(message.headers.get('content-length') ?? 0) > maxBytes) throw tooLong()
  if (body === null) return new Uint8Array()
  const reader = body.getReader()
  const chunks: Uint8Array[] = []
  let length = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return concatenate(chunks)
    length += value.byteLength
    if (length > maxBytes) {
      reader.releaseLock()
      throw tooLong()
    }
    chunks.push(value)
  }
}

/** Bytes in one piece. */
export function concatenate(chunks: readonly Uint8Array[]): Uint8Array {
  const [only] = chunks
  if (only !== undefined && chunks.length === 1) return only
  const whole = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0))
  let at = 0
  for (const chunk of chunks) {
    whole.set(chunk, at)
    at += chunk.byteLength
  }
  return whole
}
