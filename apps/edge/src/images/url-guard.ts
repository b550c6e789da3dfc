import { AppError } from '@loupe/shared/errors'
import { isPrivateHost } from './private-host.ts'

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
 * A public name that resolves to a private address is not found out here: a Worker cannot resolve names before it
 * fetches. On Cloudflare such a fetch leaves from the public network and reaches nothing private; on a host of your own,
 * let the firewall refuse what the edge has no business with.
 *
 * @throws AppError `image.forbidden_url`
 */
export function guardImageUrl(address: string, policy: UrlPolicy): URL {
  const url = parse(address)
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw forbidden(`Expected a data: URI or an https: address, found "${url.protocol.slice(0, 32)}".`)
  }
  if (url.username !== '' || url.password !== '') throw forbidden('The address holds a user name or a password.')
  if (policy.trustedHosts.includes(url.host) || policy.trustedHosts.includes(url.hostname)) return url
  if (url.protocol === 'http:' && !policy.allowHttp) throw forbidden('Expected https:, found http:.')
  if (isPrivateHost(url.hostname)) throw forbidden('The address leads into a private network.')
  if (url.port !== '') throw forbidden(`Expected the default port, found ${url.port}.`)
  return url
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
