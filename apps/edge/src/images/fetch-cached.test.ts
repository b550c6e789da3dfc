import { describe, expect, it } from 'vitest'
import type { Fetch } from '../fetch.ts'
import { createImageFetcher } from './fetch-image.ts'
import { createImageCache } from './image-cache.ts'

const signal = new AbortController().signal
const AT = 'https://a.example/x.png'

/** A host whose replies say how its picture may be kept; `version` is the picture. */
function createHost(headers: Record<string, string>) {
  const host = { version: 1, headers, asked: [] as (string | null)[], nowMs: 0 }
  const fetch: Fetch = async (url, init) => {
    if (url.endsWith('/moved')) return new Response(null, { status: 302, headers: { location: AT } })
    const condition = new Headers(init?.headers).get('if-none-match')
    host.asked.push(condition)
    const all = { 'content-type': 'image/png', etag: `"${host.version}"`, ...host.headers }
    if (condition === all.etag) return new Response(null, { status: 304, headers: all })
    return new Response(Uint8Array.of(host.version), { headers: all })
  }
  const fetchImage = createImageFetcher({
    fetch,
    policy: { allowHttp: false, trustedHosts: [] },
    cache: createImageCache({ maxBytes: 100, maxImageBytes: 100 }),
    nowMs: () => host.nowMs,
    maxBytes: 100,
    maxRedirects: 3,
    timeoutMs: 5000,
  })
  const get = async (address = AT, tenant = 'a') => [...(await fetchImage(address, { tenant, signal }))]
  return { host, get }
}

describe('a picture that was fetched before', () => {
  it('is not asked for again while it is fresh, whatever redirects to it', async () => {
    const { host, get } = createHost({ 'cache-control': 'max-age=60' })
    await get()
    host.version = 2
    host.nowMs = 59_999
    expect(await get('https://b.example/moved')).toEqual([1])
    expect(await get(`${AT}#again`)).toEqual([1])
    expect(host.asked).toEqual([null])
  })

  it('is asked for by its ETag when it is stale, and is fresh again when nothing has changed', async () => {
    const { host, get } = createHost({ 'cache-control': 'max-age=60' })
    await get()
    host.nowMs = 60_000
    expect(await get()).toEqual([1])
    host.nowMs = 119_999
    expect(await get()).toEqual([1])
    expect(host.asked).toEqual([null, '"1"'])
  })

  it('is replaced when it has changed', async () => {
    const { host, get } = createHost({ 'cache-control': 'no-cache' })
    await get()
    host.version = 2
    expect(await get()).toEqual([2])
    expect(await get()).toEqual([2])
    expect(host.asked).toEqual([null, '"1"', '"2"'])
  })

  it('is fetched again by another tenant', async () => {
    const { host, get } = createHost({ 'cache-control': 'max-age=60' })
    await get(AT, 'a')
    await get(AT, 'b')
    expect(host.asked).toEqual([null, null])
  })

  it('is forgotten when the host says so', async () => {
    const { host, get } = createHost({ 'cache-control': 'no-store' })
    await get()
    await get()
    expect(host.asked).toEqual([null, null])
  })

  it('is not fetched from an address that would be refused', async () => {
    const { get } = createHost({ 'cache-control': 'max-age=60' })
    await expect(get('http://a.example/x.png')).rejects.toMatchObject({ code: 'image.forbidden_url' })
  })
})
