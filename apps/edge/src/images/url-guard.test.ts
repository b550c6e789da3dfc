import { describe, expect, it } from 'vitest'
import { guardImageUrl } from './url-guard.ts'

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
    ['zero', 'https://0/'],
    ['class A private', 'https://10.1.2.3/'],
    ['class B private', 'https://172.16.0.1/'],
    ['the end of class B private', 'https://172.31.255.255/'],
    ['class C private', 'https://192.168.1.1/'],
    ['carrier NAT', 'https://100.64.0.1/'],
    ['link-local: the metadata service', 'https://169.254.169.254/latest/meta-data/'],
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
    ['6to4', 'https://[2002:7f00:1::]/'],
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
