import { AppError } from '@loupe/shared/errors'
import { abortError } from '../error-reply.ts'
import type { Fetch } from '../fetch.ts'
import { readBounded } from '../read-bounded.ts'
import { guardImageUrl, type UrlPolicy } from './url-guard.ts'

/** How pictures are fetched. */
export interface FetchImageOptions {
  readonly fetch: Fetch
  readonly policy: UrlPolicy
  readonly maxBytes: number
  readonly maxRedirects: number
  /** For the whole picture, redirects included. */
  readonly timeoutMs: number
}

const REDIRECTS = new Set([301, 302, 303, 307, 308])
const REQUEST_HEADERS = { accept: 'image/*', 'user-agent': 'loupe (fetches a picture that a user named)' }

/**
 * Fetches a picture from an address that a stranger chose. Every hop is checked before it is taken; no cookie, key or
 * referrer goes with it.
 *
 * @throws AppError `image.forbidden_url`, `image.unreachable`, `image.unsupported`, `image.too_large`, `image.empty`
 */
export async function fetchImage(
  address: string,
  options: FetchImageOptions,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const timeout = AbortSignal.timeout(options.timeoutMs)
  try {
    const reply = await followRedirects(address, options, AbortSignal.any([signal, timeout]))
    return await readImage(reply, options.maxBytes)
  } catch (error) {
    if (AppError.isInstance(error)) throw error
    if (signal.aborted) throw abortError(signal)
    const seconds = options.timeoutMs / 1000
    const reason = timeout.aborted ? `The picture did not arrive within ${seconds} s.` : 'The host does not answer.'
    // No cause: hosts quote the address in it, and an address may hold a key.
    throw new AppError('image.unreachable', reason)
  }
}

async function followRedirects(address: string, options: FetchImageOptions, signal: AbortSignal): Promise<Response> {
  let url = guardImageUrl(address, options.policy)
  for (let hop = 0; hop <= options.maxRedirects; hop++) {
    const reply = await options.fetch(url.href, { headers: REQUEST_HEADERS, redirect: 'manual', signal })
    if (!REDIRECTS.has(reply.status)) return reply
    await reply.body?.cancel()
    const location = reply.headers.get('location')
    if (location === null) throw new AppError('image.unreachable', 'The host redirects to nowhere.')
    url = guardImageUrl(resolve(location, url), options.policy)
  }
  throw new AppError('image.unreachable', `Expected at most ${options.maxRedirects} redirects.`)
}

function resolve(location: string, base: URL): string {
  try {
    return new URL(location, base).href
  } catch {
    throw new AppError('image.unreachable', 'The host redirects to something that is no address.')
  }
}

/** Reads the body of a reply, or leaves it at once. */
async function readImage(reply: Response, maxBytes: number): Promise<Uint8Array> {
  try {
    checkReply(reply)
    const bytes = await readBounded(reply, maxBytes, () => {
      return new AppError('image.too_large', `Expected at most ${maxBytes} bytes.`)
    })
    if (bytes.byteLength === 0) throw new AppError('image.empty', 'The host sent no bytes.')
    return bytes
  } catch (error) {
    await reply.body?.cancel().catch(() => undefined) // may be broken already, which is the fault itself
    throw error
  }
}

function checkReply(reply: Response): void {
  if (!reply.ok) throw new AppError('image.unreachable', `The host answered ${reply.status}.`)
  const type = reply.headers.get('content-type') ?? ''
  if (isImageType(type)) return
  throw new AppError('image.unsupported', `Expected a picture, found "${type.slice(0, 64)}".`)
}

/** Object stores say `octet-stream`, some hosts nothing. The bytes decide what it is; text is refused unread. */
function isImageType(type: string): boolean {
  const essence = type.split(';')[0]?.trim().toLowerCase() ?? ''
  return essence === '' || essence.startsWith('image/') || /^(application|binary)\/octet-stream$/.test(essence)
}
