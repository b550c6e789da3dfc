import { describe, expect, it } from 'vitest'
import { guardImageUrl, guardResolvedHost } from './url-guard.ts'

const strict = { allowHttp: false, trustedHosts: [] }
const forbidden = expect.objectContaining({ code: 'image.forbidden_url' })

describe('guardImageUrl', () => {
  it.each([
    'https://example.com/a.png',
    'https://93.184.216.34/a.png',
    'https://[2606:4700::1111]/a.png',
    'https://EXAMPLE.com:443/a.png',
    'https://localhost.example.com/',
    'https://11.0.0.1/',
    'https://172.32.0.1/',
    'https://example.com./a.png',
    'https://m\u00fcnchen.example/a.png',
    'https://internal.example/',
  ])('lets %s pass', (address) => {
    expect(guardImageUrl(address, strict)).toBeInstanceOf(URL)
  })

  it.each([
    ['loopback', 'https://127.0.0.1/'],
    ['all of the loopback block', 'https://127.9.9.9/'],
    ['loopback as one decimal', 'https://2130706433/'],
    ['loopback in octal', 'https://0177.0.0.1/'],
    ['loopback in hexadecimal', 'https://0x7f.1/'],
    ['loopback in two parts', 'https://127.1/'],
    ['loopback in full-width digits', 'https://\uff11\uff12\uff17.0.0.1/'],
    ['loopback by name', 'https://localhost/'],
    ['loopback by name with a dot', 'https://LOCALHOST./'],
    ['a name under localhost', 'https://a.localhost/'],
    ['the unspecified address', 'https://0.0.0.0/'],
    ['loopback with a dot', 'https://127.0.0.1./'],
    ['loopback in octal and hexadecimal', 'https://0177.0x0.0.1/'],
    ['loopback as one octal', 'https://017700000001/'],
    ['loopback as one hexadecimal', 'https://0x7f000001/'],
    ['loopback with an ideographic full stop', 'https://127\u30020\u30020\u30021/'],
    ['loopback by a name in circles', 'https://\u24db\u24de\u24d2\u24d0\u24db\u24d7\u24de\u24e2\u24e3/'],
    ['loopback by a name with a soft hyphen', 'https://local\u00adhost/'],
    ['loopback by a name in escapes', 'https://%6cocal%68ost/'],
    ['loopback behind backslashes', 'https:\\\\127.0.0.1\\'],
    ['loopback without slashes', 'https:127.0.0.1'],
    ['loopback with tabs in it', 'ht\ttps://127.0.\n0.1/'],
    ['loopback behind a name that is a user', 'https://example.com@127.0.0.1/'],
    ['loopback behind a zero byte', 'https://127.0.0.1%00.example.com/'],
    ['an address that overflows', 'https://4294967296/'],
    ['a number at the end of a name', 'https://example.0x7f000001/'],
    ['punycode that is none', 'https://xn--a/'],
    ['a name without labels', 'https://example..com/'],
    ['a name of two dots', 'https://example.com../'],
    ['a label of 64 characters', `https://${'a'.repeat(64)}.example/`],
    ['a name of 254 characters', `https://${'a.'.repeat(126)}ab/`],
    ['zero', 'https://0/'],
    ['class A private', 'https://10.1.2.3/'],
    ['class B private', 'https://172.16.0.1/'],
    ['the end of class B private', 'https://172.31.255.255/'],
    ['class C private', 'https://192.168.1.1/'],
    ['carrier NAT', 'https://100.64.0.1/'],
    ['link-local: the metadata service', 'https://169.254.169.254/latest/meta-data/'],
    ['the metadata service as one decimal', 'https://2852039166/'],
    ['the metadata service of Azure on a public address', 'https://168.63.129.16/metadata/instance'],
    ['the metadata service of Alibaba', 'https://100.100.100.200/'],
    ['the metadata service of Oracle', 'https://192.0.0.192/'],
    ['the metadata service of AWS by IPv6', 'https://[fd00:ec2::254]/'],
    ['the metadata service by name with a dot', 'https://metadata.google.internal./'],
    ['the metadata service by name', 'https://metadata.google.internal/'],
    ['benchmark block', 'https://198.18.0.1/'],
    ['multicast', 'https://224.0.0.1/'],
    ['broadcast', 'https://255.255.255.255/'],
    ['IPv6 loopback', 'https://[::1]/'],
    ['IPv6 unspecified', 'https://[::]/'],
    ['IPv4 mapped into IPv6', 'https://[::ffff:127.0.0.1]/'],
    ['IPv4 mapped into IPv6, hexadecimal', 'https://[::ffff:7f00:1]/'],
    ['IPv4 compatible IPv6', 'https://[::7f00:1]/'],
    ['NAT64', 'https://[64:ff9b::7f00:1]/'],
    ['NAT64 of a network', 'https://[64:ff9b:1::7f00:1]/'],
    ['6to4', 'https://[2002:7f00:1::]/'],
    ['ISATAP', 'https://[2606:4700::5efe:7f00:1]/'],
    ['ISATAP of a public address', 'https://[2606:4700::200:5efe:a9fe:a9fe]/'],
    ['IPv4 translated into IPv6', 'https://[::ffff:0:7f00:1]/'],
    ['IPv6 site-local', 'https://[fec0::1]/'],
    ['IPv6 discard-only', 'https://[100::1]/'],
    ['IPv6 with a zone', 'https://[fe80::1%25eth0]/'],
    ['Teredo', 'https://[2001::1]/'],
    ['IPv6 unique local', 'https://[fd00::1]/'],
    ['IPv6 link-local', 'https://[fe80::1]/'],
    ['IPv6 multicast', 'https://[ff02::1]/'],
    ['IPv6 documentation', 'https://[2001:db8::1]/'],
    ['a name without a dot', 'https://router/'],
    ['a name of the local network', 'https://printer.local/'],
    ['a public name that resolves to loopback', 'https://127.0.0.1.nip.io/'],
    ['a name and a password', 'https://user:secret@example.com/'],
    ['a name only', 'https://user@example.com/'],
    ['http', 'http://example.com/'],
    ['another port', 'https://example.com:8443/'],
    ['the port of http', 'https://example.com:80/'],
    ['port zero', 'https://example.com:0/'],
    ['a port that is none', 'https://example.com:99999/'],
    ['a file', 'file:///etc/passwd'],
    ['ftp', 'ftp://example.com/a.png'],
    ['a blob', 'blob:https://example.com/1'],
    ['a script', 'javascript:alert(1)'],
    ['a bare path', '/etc/passwd'],
    ['base64 without data:', 'iVBORw0KGgo='],
    ['nothing', ' '],
    ['a very long address', `https://example.com/${'a'.repeat(8192)}`],
  ])('refuses %s', (_, address) => {
    expect(() => guardImageUrl(address, strict)).toThrow(forbidden)
  })

  it('takes http where the configuration allows it, still not into a private network', () => {
    const policy = { allowHttp: true, trustedHosts: [] }
    expect(guardImageUrl('http://example.com/', policy).protocol).toBe('http:')
    expect(() => guardImageUrl('http://127.0.0.1/', policy)).toThrow(forbidden)
    expect(() => guardImageUrl('http://example.com:8080/', policy)).toThrow(forbidden)
  })

  it('takes a trusted host by its name or by its name and port, and only that one', () => {
    const policy = { allowHttp: false, trustedHosts: ['store.internal', '127.0.0.1:9000'] }
    expect(guardImageUrl('http://store.internal:8080/a', policy).port).toBe('8080')
    expect(guardImageUrl('http://127.0.0.1:9000/a', policy).port).toBe('9000')
    expect(() => guardImageUrl('http://127.0.0.1:9001/a', policy)).toThrow(forbidden)
    expect(() => guardImageUrl('http://user:secret@store.internal/a', policy)).toThrow(forbidden)
  })
})

describe('guardResolvedHost', () => {
  const signal = new AbortController().signal
  const asked: string[] = []
  const finding = (...addresses: string[]) => ({
    policy: { allowHttp: false, trustedHosts: ['store.internal'] },
    resolveHost: async (name: string) => {
      asked.push(name)
      return addresses
    },
  })

  it('lets a name pass all of whose addresses are public', async () => {
    await guardResolvedHost(new URL('https://a.example./'), finding('93.184.216.34', '[2606:4700:0:0:0:0:0:1]'), signal)
    expect(asked).toEqual(['a.example'])
  })

  it.each([
    ['loopback', ['127.0.0.1']],
    ['the metadata service beside a public address', ['93.184.216.34', '169.254.169.254']],
    ['a private address behind IPv6', ['[fd00:0:0:0:0:0:0:1]']],
    ['an IPv4 address mapped into IPv6', ['[0:0:0:0:0:ffff:7f00:1]']],
    ['nowhere', ['0.0.0.0']],
  ])('refuses a public name that leads to %s', async (_, addresses) => {
    await expect(guardResolvedHost(new URL('https://a.example/'), finding(...addresses), signal)).rejects.toEqual(
      forbidden,
    )
  })

  it('says that a name has no address', async () => {
    await expect(guardResolvedHost(new URL('https://a.example/'), finding(), signal)).rejects.toMatchObject({
      code: 'image.unreachable',
      detail: 'The name of the host has no address.',
    })
  })

  it('asks for no address and for no trusted host', async () => {
    const before = asked.length
    for (const at of ['https://93.184.216.34/', 'https://[2606:4700::1]/', 'https://store.internal/']) {
      await guardResolvedHost(new URL(at), finding('127.0.0.1'), signal)
    }
    expect(asked).toHaveLength(before)
  })
})
