import { describe, expect, it } from 'vitest'
import type { Fetch } from '../fetch.ts'
import { createImageFetcher, type FetchImageOptions } from './fetch-image.ts'
import { createImageCache } from './image-cache.ts'

const signal = new AbortController().signal
const png = Uint8Array.of(0x89, 0x50, 0x4e, 0x47)
const picture = (headers: Record<string, string> = { 'content-type': 'image/png' }) => new Response(png, { headers })
const redirect = (location: string, status = 302) => new Response(null, { status, headers: { location } })

/** Fetches a picture once, with nothing remembered. */
function fetchImage(address: string, fetch: Fetch, options: Partial<FetchImageOptions> = {}, client = signal) {
  const fetcher = createImageFetcher({
    fetch,
    policy: { allowHttp: false, trustedHosts: [] },
    cache: createImageCache({ maxBytes: 0, maxImageBytes: 0 }),
    nowMs: () => 0,
    maxBytes: 100,
    maxRedirects: 3,
    timeoutMs: 5000,
    ...options,
  })
  return fetcher(address, { tenant: 'a', signal: client })
}

/** A network of some addresses. Keeps what was fetched. */
function network(pages: Readonly<Record<string, () => Response>>) {
  const fetched: string[] = []
  const fetch: Fetch = async (url, init) => {
    expect(init).toMatchObject({ redirect: 'manual', cache: 'no-store' })
    expect(Object.keys(init?.headers ?? {})).toEqual(['accept', 'accept-encoding', 'user-agent'])
    fetched.push(url)
    return pages[url]?.() ?? new Response(null, { status: 404 })
  }
  return { fetch, fetched }
}

describe('fetchImage', () => {
  it('reads a picture', async () => {
    const { fetch } = network({ 'https://a.example/x.png': () => picture() })
    await expect(fetchImage('https://a.example/x.png', fetch)).resolves.toEqual(png)
  })

  it.each(['image/png', 'IMAGE/PNG; q=1', 'application/octet-stream', 'binary/octet-stream', ''])(
    'takes the type "%s"',
    async (type) => {
      const { fetch } = network({ 'https://a.example/': () => picture({ 'content-type': type }) })
      await expect(fetchImage('https://a.example/', fetch)).resolves.toEqual(png)
    },
  )

  it('follows redirects, relative ones too', async () => {
    const { fetch, fetched } = network({
      'https://a.example/1': () => redirect('/2', 301),
      'https://a.example/2': () => redirect('https://b.example/3', 307),
      'https://b.example/3': () => picture(),
    })
    await expect(fetchImage('https://a.example/1', fetch)).resolves.toEqual(png)
    expect(fetched).toEqual(['https://a.example/1', 'https://a.example/2', 'https://b.example/3'])
  })

  it.each([
    'http://b.example/',
    'https://127.0.0.1/',
    'https://169.254.169.254/latest/meta-data/',
    'https://[::ffff:10.0.0.1]/',
    '//localhost/',
    'file:///etc/passwd',
    'https://u:p@b.example/',
  ])('does not follow a redirect to %s', async (location) => {
    const { fetch, fetched } = network({ 'https://a.example/': () => redirect(location) })
    await expect(fetchImage('https://a.example/', fetch)).rejects.toMatchObject({
      code: 'image.forbidden_url',
    })
    expect(fetched).toEqual(['https://a.example/'])
  })

  it('looks every host up before it is asked, those that are redirected to as well', async () => {
    const addresses: Readonly<Record<string, readonly string[]>> = {
      'a.example': ['93.184.216.34'],
      'rebound.example': ['10.0.0.1'],
    }
    const { fetch, fetched } = network({ 'https://a.example/': () => redirect('https://rebound.example/') })
    const resolveHost = async (name: string) => addresses[name] ?? []
    await expect(fetchImage('https://a.example/', fetch, { resolveHost })).rejects.toMatchObject({
      code: 'image.forbidden_url',
    })
    expect(fetched).toEqual(['https://a.example/'])
    await expect(fetchImage('https://nowhere.example/', fetch, { resolveHost })).rejects.toMatchObject({
      code: 'image.unreachable',
    })
    expect(fetched).toHaveLength(1)
  })

  it.each([
    ['a circle of redirects', ['/2', '/1'], 'The host redirects in a circle.', 2],
    ['a redirect to itself', ['/1#again'], 'The host redirects in a circle.', 1],
    ['more redirects than are followed', ['/2', '/3', '/4', '/5', '/6'], 'Expected at most 3 redirects.', 4],
  ])('gives up on %s', async (_, locations, detail, count) => {
    const pages = locations.map((to, at) => [`https://a.example/${at + 1}`, () => redirect(to)] as const)
    const { fetch, fetched } = network(Object.fromEntries(pages))
    const fetching = fetchImage('https://a.example/1', fetch)
    await expect(fetching).rejects.toMatchObject({ code: 'image.unreachable', detail })
    expect(fetched).toHaveLength(count)
  })

  it.each([
    ['a status of a failure', () => new Response('no', { status: 403 }), 'image.unreachable'],
    ['a redirect without an address', () => new Response(null, { status: 302 }), 'image.unreachable'],
    ['a redirect to no address', () => redirect('https://%'), 'image.unreachable'],
    ['a page', () => picture({ 'content-type': 'text/html; charset=utf-8' }), 'image.unsupported'],
    ['less than was announced', () => picture({ 'content-length': '5' }), 'image.unreachable'],
    ['an unasked answer that nothing has changed', () => new Response(null, { status: 304 }), 'image.unreachable'],
    ['no bytes', () => new Response(new Uint8Array(), { headers: { 'content-type': 'image/png' } }), 'image.empty'],
    ['an announced length above the limit', () => picture({ 'content-length': '101' }), 'image.too_large'],
    ['a length above the limit', () => new Response(new Uint8Array(101)), 'image.too_large'],
  ])('refuses %s', async (_, reply, code) => {
    const { fetch } = network({ 'https://a.example/': reply })
    await expect(fetchImage('https://a.example/', fetch)).rejects.toMatchObject({ code })
  })

  it('stops reading a body without end at the limit', async () => {
    let pulled = 0
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        pulled++
        controller.enqueue(new Uint8Array(40))
      },
    })
    const { fetch } = network({ 'https://a.example/': () => new Response(endless) })
    const fetching = fetchImage('https://a.example/', fetch)
    await expect(fetching).rejects.toMatchObject({ code: 'image.too_large' })
    expect(pulled).toBeLessThan(6)
  })

  it('tells a host that does not answer from one that is slow, and both from a client that left', async () => {
    const dead: Fetch = () => Promise.reject(new TypeError('connection refused'))
    const slow: Fetch = (_, init) =>
      new Promise((_resolve, reject) => {
        init?.signal?.addEventListener('abort', () => reject(init.signal?.reason))
      })
    const at = 'https://a.example/'
    await expect(fetchImage(at, dead)).rejects.toMatchObject({
      code: 'image.unreachable',
      detail: 'The host does not answer.',
    })
    await expect(fetchImage(at, slow, { timeoutMs: 1 })).rejects.toMatchObject({
      code: 'image.unreachable',
      detail: expect.stringContaining('did not arrive'),
    })
    const client = new AbortController()
    const fetching = fetchImage(at, slow, {}, client.signal)
    client.abort()
    await expect(fetching).rejects.toMatchObject({ code: 'request.cancelled' })
  })
})
