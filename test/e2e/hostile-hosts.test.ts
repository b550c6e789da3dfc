import { createImageFetcher } from '@loupe/edge/src/images/fetch-image.ts'
import { createImageCache } from '@loupe/edge/src/images/image-cache.ts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type PictureHost, startPictureHost } from './support/picture-host.ts'

const signal = new AbortController().signal

// Real sockets, and a clock that edge in workerd would let run for ten seconds. The other hosts are met there.
describe('a host that keeps its visitor waiting', () => {
  let host: PictureHost
  beforeAll(async () => {
    host = await startPictureHost()
  })
  afterAll(() => host.close())

  const fetchWithin = (path: string, timeoutMs: number) => {
    const fetchImage = createImageFetcher({
      fetch,
      policy: { allowHttp: false, trustedHosts: [host.host] },
      cache: createImageCache({ maxBytes: 0, maxImageBytes: 0 }),
      nowMs: () => Date.now(),
      maxBytes: 1_000_000,
      maxRedirects: 3,
      timeoutMs,
    })
    return fetchImage(`${host.url}${path}`, { tenant: 'a', signal })
  }

  it.each(['/silent', '/drip'])('%s is cut', async (path) => {
    await expect(fetchWithin(path, 300)).rejects.toMatchObject({
      code: 'image.unreachable',
      detail: 'The picture did not arrive within 0.3 s.',
    })
  })

  it.each([
    ['/endless', 'image.too_large'],
    ['/bomb', 'image.too_large'],
    ['/early', 'image.unreachable'],
  ])('%s is left long before', async (path, code) => {
    await expect(fetchWithin(path, 30_000)).rejects.toMatchObject({ code })
  })
})
