import { AppError } from '@loupe/shared/errors'
import { readBounded } from '../read-bounded.ts'

/**
 * Reads the picture in a reply, or leaves it at once.
 *
 * @param maxBytes - counted after the runtime has unpacked what the host has packed
 * @throws AppError `image.unreachable`, `image.unsupported`, `image.too_large`, `image.empty`
 */
export async function readImage(reply: Response, maxBytes: number): Promise<Uint8Array> {
  try {
    checkReply(reply)
    const bytes = await readBody(reply, maxBytes)
    checkLength(bytes, reply.headers)
    return bytes
  } catch (error) {
    await reply.body?.cancel().catch(() => undefined) // may be broken already, which is the fault itself
    throw error
  }
}

function checkReply({ ok, status, headers }: Response): void {
  if (!ok) throw new AppError('image.unreachable', `The host answered ${status}.`)
  const type = headers.get('content-type') ?? ''
  if (isImageType(type)) return
  throw new AppError('image.unsupported', `Expected a picture, found "${type.slice(0, 64)}".`)
}

/** Object stores say `octet-stream`, some hosts nothing. The bytes decide what it is; text is refused unread. */
function isImageType(type: string): boolean {
  const essence = type.split(';')[0]?.trim().toLowerCase() ?? ''
  return essence === '' || essence.startsWith('image/') || /^(application|binary)\/octet-stream$/.test(essence)
}

async function readBody(reply: Response, maxBytes: number): Promise<Uint8Array> {
  try {
    return await readBounded(reply, maxBytes, () => {
      return new AppError('image.too_large', `Expected at most ${maxBytes} bytes.`)
    })
  } catch (error) {
    // No cause: it may quote the address.
    throw AppError.isInstance(error) ? error : brokenOff()
  }
}

/** A runtime may take the end of a connection for the end of a body. A packed body is longer than announced. */
function checkLength(bytes: Uint8Array, headers: Headers): void {
  const announced = headers.get('content-length')
  const isPacked = (headers.get('content-encoding') ?? 'identity').toLowerCase() !== 'identity'
  if (announced !== null && !isPacked && bytes.byteLength < Number(announced)) throw brokenOff()
  if (bytes.byteLength === 0) throw new AppError('image.empty', 'The host sent no bytes.')
}

function brokenOff(): AppError {
  return new AppError('image.unreachable', 'The host broke off in the middle of the picture.')
}
