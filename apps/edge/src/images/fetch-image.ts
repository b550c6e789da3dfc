import { AppError } from '@loupe/shared/errors'
import { abortError } from '../error-reply.ts'
import type { Fetch } from '../fetch.ts'
import { readCacheRules } from './cache-rules.ts'
import type { ResolveHost } from './dns-resolver.ts'
import type { CachedImage, ImageCache } from './image-cache.ts'
import { readImage } from './read-image.ts'
import { guardImageUrl, guardResolvedHost, type UrlPolicy } from './url-guard.ts'

/** How pictures are fetched. */
export interface FetchImageOptions {
  readonly fetch: Fetch
  readonly policy: UrlPolicy
  /** Looks names up before they are fetched from; left out, only their spelling is judged. */
  readonly resolveHost?: ResolveHost
  readonly cache: ImageCache
  readonly nowMs: () => number
  readonly maxBytes: number
  readonly maxRedirects: number
  /** For the whole picture, redirects included. */
  readonly timeoutMs: number
}

/** Who asks for a picture. */
export interface ImageVisitor {
  /** Pictures that another tenant has fetched are fetched again. */
  readonly tenant: string
  readonly signal: AbortSignal
}

/**
 * Fetches a picture from an address that a stranger chose. Every hop is checked before it is taken; no cookie, key or
 * referrer goes with it.
 *
 * @throws AppError `image.forbidden_url`, `image.unreachable`, `image.unsupported`, `image.too_large`, `image.empty`,
 * `resolver.unavailable`
 */
export type FetchImage = (address: string, visitor: ImageVisitor) => Promise<Uint8Array>

const REDIRECTS = new Set([301, 302, 303, 307, 308])
const NOT_MODIFIED = 304
/** A host that packs a picture all the same is read as far as the limit allows, counted unpacked. */
const REQUEST_HEADERS = {
  accept: 'image/*',
  'accept-encoding': 'identity',
  'user-agent': 'loupe (fetches a picture that a user named)',
}

/** Makes what fetches pictures for one isolate. */
export function createImageFetcher(options: FetchImageOptions): FetchImage {
  return async (address, { tenant, signal }) => {
    const timeout = AbortSignal.timeout(options.timeoutMs)
    try {
      return await followRedirects(address, options, { tenant, signal: AbortSignal.any([signal, timeout]) })
    } catch (error) {
      if (signal.aborted) throw abortError(signal)
      if (timeout.aborted) throw unreachable(`The picture did not arrive within ${options.timeoutMs / 1000} s.`)
      if (AppError.isInstance(error)) throw error
      // No cause: hosts quote the address in it, and an address may hold a key.
      throw unreachable('The host does not answer.')
    }
  }
}

async function followRedirects(
  address: string,
  options: FetchImageOptions,
  visitor: ImageVisitor,
): Promise<Uint8Array> {
  const visited = new Set<string>()
  for (let next = address; ; ) {
    const url = guardImageUrl(next, options.policy)
    if (visited.has(url.href)) throw unreachable('The host redirects in a circle.')
    if (visited.size > options.maxRedirects) throw unreachable(`Expected at most ${options.maxRedirects} redirects.`)
    visited.add(url.href)
    const found = await visit(url, options, visitor)
    if (typeof found !== 'string') return found
    next = found
  }
}

/** @returns the picture, or where the host says that it is */
async function visit(url: URL, options: FetchImageOptions, visitor: ImageVisitor): Promise<Uint8Array | string> {
  const { cache, nowMs } = options
  const key = { tenant: visitor.tenant, url: url.href }
  const held = cache.get(key)
  if (held !== undefined && nowMs() < held.rules.freshUntilMs) return held.bytes
  await guardResolvedHost(url, options, visitor.signal)
  visitor.signal.throwIfAborted()
  const reply = await ask(url, held, options, visitor.signal)
  if (REDIRECTS.has(reply.status)) return await readLocation(reply, url)
  const isUnchanged = held !== undefined && reply.status === NOT_MODIFIED
  const bytes = isUnchanged ? held.bytes : await readImage(reply, options.maxBytes)
  if (isUnchanged) await reply.body?.cancel()
  const rules = readCacheRules(reply.headers, nowMs())
  if (rules !== undefined) cache.put(key, { bytes, rules: isUnchanged ? { ...held.rules, ...rules } : rules })
  return bytes
}

function ask(
  url: URL,
  held: CachedImage | undefined,
  { fetch }: FetchImageOptions,
  signal: AbortSignal,
): Promise<Response> {
  const { etag, lastModified } = held?.rules ?? {}
  const headers = {
    ...REQUEST_HEADERS,
    ...(etag === undefined ? {} : { 'if-none-match': etag }),
    ...(lastModified === undefined ? {} : { 'if-modified-since': lastModified }),
  }
  // Cloudflare would keep the picture for all who fetch it, and the time of a second fetch would tell of the first.
  return fetch(url.href, { headers, redirect: 'manual', cache: 'no-store', signal })
}

async function readLocation(reply: Response, url: URL): Promise<string> {
  await reply.body?.cancel()
  const location = reply.headers.get('location')
  if (location === null) throw unreachable('The host redirects to nowhere.')
  try {
    return new URL(location, url).href
  } catch {
    throw unreachable('The host redirects to something that is no address.')
  }
}

function unreachable(detail: string): AppError {
  return new AppError('image.unreachable', detail)
}
