import { AppError } from '@loupe/shared/errors'
import type { ResolveHost } from './dns-resolver.ts'
import { isAddress, isPrivateHost } from './private-host.ts'

/** Which addresses pictures may be fetched from. */
export interface UrlPolicy {
  readonly allowHttp: boolean
  /** `host` or `host:port` that is fetched whatever its address is, by `http:` too. */
  readonly trustedHosts: readonly string[]
}

/**
 * Checks an address before it is fetched, and again after every redirect.
 *
 * The URL parser has already turned `2130706433`, `0x7f.1`, `017700000001` and full-width digits into `127.0.0.1`, so
 * only one spelling of each address is looked at.
 *
 * A public name that resolves to a private address is found out by {@link guardResolvedHost}, where a resolver is set.
 *
 * @returns the address without its fragment
 * @throws AppError `image.forbidden_url`
 */
export function guardImageUrl(address: string, policy: UrlPolicy): URL {
  const url = parse(address)
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw forbidden(`Expected a data: URI or an https: address, found "${url.protocol.slice(0, 32)}".`)
  }
  if (url.username !== '' || url.password !== '') throw forbidden('The address holds a user name or a password.')
  url.hash = ''
  if (isTrusted(url, policy)) return url
  if (url.protocol === 'http:' && !policy.allowHttp) throw forbidden('Expected https:, found http:.')
  if (isPrivateHost(url.hostname)) throw forbidden('The address leads into a private network.')
  if (url.port !== '') throw forbidden(`Expected the default port, found ${url.port}.`)
  if (!isName(url.hostname)) throw forbidden('Expected a host name of labels of 1 to 63 characters, 253 in all.')
  return url
}

/**
 * Looks the name of a checked address up and refuses it if any of its addresses is private.
 *
 * A Worker cannot tell `fetch` which address to take: the runtime asks again, and a name server that changes its answer
 * in between is not found out. On Cloudflare a fetch leaves from the public network and reaches nothing private; on a
 * host of your own, let the firewall refuse what the edge has no business with.
 *
 * @throws AppError `image.forbidden_url`, `image.unreachable` for a name without addresses, `resolver.unavailable`
 */
export async function guardResolvedHost(
  url: URL,
  { policy, resolveHost }: { readonly policy: UrlPolicy; readonly resolveHost?: ResolveHost },
  signal: AbortSignal,
): Promise<void> {
  if (resolveHost === undefined || isAddress(url.hostname) || isTrusted(url, policy)) return
  const addresses = await resolveHost(url.hostname.replace(/\.$/, ''), signal)
  if (addresses.length === 0) throw new AppError('image.unreachable', 'The name of the host has no address.')
  if (addresses.some(isPrivateHost)) throw forbidden('The address leads into a private network.')
}

function isTrusted({ host, hostname }: URL, { trustedHosts }: UrlPolicy): boolean {
  return trustedHosts.includes(host) || trustedHosts.includes(hostname)
}

/** An address passes, and a name that DNS can hold, with or without the dot of the root. */
function isName(hostname: string): boolean {
  const name = hostname.replace(/\.$/, '')
  return name.length <= 253 && name.split('.').every((label) => label.length > 0 && label.length <= 63)
}

/** Longer addresses are not understood everywhere, and a picture itself belongs into a data: URI. */
const MAX_ADDRESS_CHARACTERS = 8192

function parse(address: string): URL {
  if (address.length > MAX_ADDRESS_CHARACTERS) {
    throw forbidden(`Expected a data: URI or an address of at most ${MAX_ADDRESS_CHARACTERS} characters.`)
  }
  try {
    return new URL(address)
  } catch {
    // No cause: hosts quote the address in it, and an address may hold a key.
    throw forbidden('Expected a data: URI or an https: address.')
  }
}

function forbidden(detail: string): AppError {
  return new AppError('image.forbidden_url', detail)
}
