import { AppError } from '@loupe/shared/errors'
import type { Fetch } from '../fetch.ts'
import { readBounded } from '../read-bounded.ts'
import { type AddressRecord, encodeQuestion, readAddresses } from './dns-message.ts'

/** Where names are looked up. */
export interface DnsResolverOptions {
  /** Of a resolver that speaks DNS over HTTPS, such as `https://cloudflare-dns.com/dns-query`. */
  readonly url: string
  readonly fetch: Fetch
}

/**
 * Finds every address of a name, as `URL.hostname` would spell it.
 *
 * @throws AppError `resolver.unavailable`
 */
export type ResolveHost = (name: string, signal: AbortSignal) => Promise<readonly string[]>

/** A reply over UDP has 512 bytes; this is room for a thousand addresses. */
const MOST_BYTES = 32_768
const MESSAGE_TYPE = 'application/dns-message'

/**
 * Makes a resolver. Nothing is remembered: the shorter the time between this answer and that of the runtime, which asks
 * again when it fetches, the less room there is for another answer.
 *
 * @see RFC 8484
 */
export function createDnsResolver({ url, fetch }: DnsResolverOptions): ResolveHost {
  const ask = async (name: string, record: AddressRecord, signal: AbortSignal): Promise<string[]> => {
    const address = new URL(url)
    address.searchParams.set('dns', toBase64Url(encodeQuestion(name, record)))
    const init = { headers: { accept: MESSAGE_TYPE }, redirect: 'manual', signal } as const
    try {
      return await readReply(await fetch(address.href, init))
    } catch (cause) {
      throw signal.aborted ? cause : new AppError('resolver.unavailable', '', { cause })
    }
  }
  return async (name, signal) => {
    const [four, six] = await Promise.all([ask(name, 'A', signal), ask(name, 'AAAA', signal)])
    return [...four, ...six]
  }
}

async function readReply(reply: Response): Promise<string[]> {
  const tooLong = () => new Error(`The resolver sent more than ${MOST_BYTES} bytes.`)
  const addresses = reply.ok ? readAddresses(await readBounded(reply, MOST_BYTES, tooLong)) : undefined
  if (addresses !== undefined) return addresses
  await reply.body?.cancel()
  throw new Error(`The resolver answered ${reply.status} without a DNS message.`)
}

function toBase64Url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')
}
