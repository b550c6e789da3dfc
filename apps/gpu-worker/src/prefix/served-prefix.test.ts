import { decodeGenerateResponse, HEADER_LENGTH_HEADER } from '@loupe/shared/wire'
import { describe, expect, it } from 'vitest'
import { createFixture, INFER, picture, prompt, question } from '../testing/worker-fixture.ts'

/** A worker that is asked about pictures. @returns tokens of the prompt that were not computed */
function asker() {
  const { app } = createFixture()
  async function cachedOf(colours: readonly number[], parameters = {}): Promise<number> {
    const pictures = colours.map(picture)
    const request = question({
      inputIds: prompt(colours.length),
      imageDigests: pictures.map(({ digest }) => digest),
      patches: pictures.map(({ patches }) => patches),
      parameters,
    })
    const response = await app.request(INFER, request)
    const body = new Uint8Array(await response.arrayBuffer())
    return decodeGenerateResponse({ headerLength: response.headers.get(HEADER_LENGTH_HEADER), body }).summary
      .cached_tokens
  }
  const metrics = async () => (await app.request('/metrics')).text()
  return { cachedOf, metrics }
}

describe('a worker', () => {
  it('tells which tokens it had, and counts them', async () => {
    const { cachedOf, metrics } = asker()
    // Blocks end behind each picture: the first token, and 257 to the end of each.
    expect(await cachedOf([1, 2])).toBe(0)
    expect(await cachedOf([1, 3])).toBe(258)
    expect(await cachedOf([1, 2])).toBe(516)
    expect(await cachedOf([1, 2], { tenant: 'another' })).toBe(0)
    expect(await cachedOf([1, 2], { cache_salt: 'a' })).toBe(0)
    expect(await cachedOf([1, 2], { cache_salt: 'b' })).toBe(0)
    expect(await cachedOf([1, 2], { cache_salt: 'a', tenant: 'another' })).toBe(0)
    expect(await cachedOf([1, 2], { cache_salt: 'a' })).toBe(516)
    const text = await metrics()
    expect(text).toContain('vllm:prefix_cache_queries_total{model_name="fake"} 4144')
    expect(text).toContain('vllm:prefix_cache_hits_total{model_name="fake"} 1290')
    expect(text).toContain('loupe:prefix_cache_bytes{model_name="fake"} ')
  })
})
