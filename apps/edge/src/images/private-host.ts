/** First address and prefix length of every IPv4 block that is not the public internet. @see IANA special-purpose registry */
const PRIVATE_IPV4: readonly (readonly [string, number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10], // carrier NAT; also cloud metadata at 100.100.100.200
  ['127.0.0.0', 8],
  ['168.63.129.16', 32], // Azure's metadata and host services, on a public address
  ['169.254.0.0', 16], // link-local; cloud metadata at 169.254.169.254
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3], // multicast, reserved, broadcast
]

/** Names that never leave a network, and public names made to resolve into one. */
const PRIVATE_SUFFIXES = [
  'localhost',
  'local',
  'internal',
  'intranet',
  'lan',
  'home',
  'corp',
  'private',
  'home.arpa',
  'localdomain',
  'consul',
  'test',
  'invalid',
  'onion',
  'alt',
  'nip.io',
  'sslip.io',
  'xip.io',
  'localtest.me',
  'lvh.me',
  'vcap.me',
  'lacolhost.com',
  'traefik.me',
  'local.gd',
  'rbndr.us',
  '1u.ms',
]

/**
 * True for a host that is, or is named as, part of a private network.
 *
 * @param hostname - as `URL.hostname` gives it: lower case, IPv4 in four decimals, IPv6 in brackets
 */
export function isPrivateHost(hostname: string): boolean {
  if (hostname.startsWith('[')) return !isPublicIpv6(parseIpv6(hostname.slice(1, -1)))
  const address = parseIpv4(hostname)
  if (address !== undefined) return isPrivateIpv4(address)
  const name = hostname.replace(/\.+$/, '')
  return !name.includes('.') || PRIVATE_SUFFIXES.some((suffix) => name === suffix || name.endsWith(`.${suffix}`))
}

/** True for an IPv4 or IPv6 address, false for a name. */
export function isAddress(hostname: string): boolean {
  return hostname.startsWith('[') || parseIpv4(hostname) !== undefined
}

function isPrivateIpv4(address: number): boolean {
  return PRIVATE_IPV4.some(([first, bits]) => {
    const block = parseIpv4(first) ?? 0
    return address >>> (32 - bits) === block >>> (32 - bits)
  })
}

function parseIpv4(text: string): number | undefined {
  if (!/^\d{1,3}(\.\d{1,3}){3}$/.test(text)) return undefined
  return text.split('.').reduce((address, part) => ((address << 8) | Number(part)) >>> 0, 0)
}

/** Global unicast is 2000::/3. Everything else is local, mapped, translated or reserved; so are some blocks inside it. */
function isPublicIpv6(groups: readonly number[]): boolean {
  const [first = 0, second = 0] = groups
  if (first >>> 13 !== 1) return false
  if (first === 0x2001 && (second < 0x200 || second === 0xdb8)) return false // Teredo and other protocols; documentation
  if (first === 0x2002) return false // 6to4 carries any IPv4 address
  if (groups[5] === 0x5efe && ((groups[4] ?? 0) & 0xfdff) === 0) return false // so does ISATAP, under any prefix
  return !(first === 0x3fff && second < 0x1000) // documentation
}

function parseIpv6(text: string): number[] {
  const [head = '', tail] = text.split('::')
  const groups = (part: string): number[] =>
    part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16))
  const before = groups(head)
  const after = groups(tail ?? '')
  return [...before, ...Array.from({ length: 8 - before.length - after.length }, () => 0), ...after]
}
