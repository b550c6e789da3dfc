import { describe, expect, it } from 'vitest'
import { createTestApp, type TestApp } from '../testing/test-app.ts'
import { tinyTokenizer } from '../testing/tiny-tokenizer.ts'

/** A "picture" for the fake decoder: what it shows, and how many crops it has. */
const address = (shows: number, crops: number) => {
  return `data:image/png;base64,${btoa(String.fromCharCode(shows, 1, 1, crops))}`
}
const image = (shows: number, crops: number, detail?: string) => {
  return { type: 'image_url', image_url: { url: address(shows, crops), detail } }
}
const asking = (...content: unknown[]) => ({ messages: [{ role: 'user', content }] })

const ONE = '<start_of_image>****<end_of_image>'

/** The content of the last request's prompt, picture tokens as `*`. */
function contentOf({ worker }: TestApp): string | undefined {
  const text = tinyTokenizer.decode(worker.admitted.at(-1)?.inputIds ?? []).replaceAll('<image_soft_token>', '*')
  return /user\n(.*)<end_of_turn>/s.exec(text)?.[1]
}

describe('a picture of detail "high"', () => {
  it('is shown whole and in crops, in the words of the reference', async () => {
    const app = await createTestApp()
    const reply = await app.chat(asking({ type: 'text', text: 'A' }, image(1, 2, 'high'), { type: 'text', text: 'B' }))
    expect(contentOf(app)).toBe(
      `AHere is the original image \n\n${ONE}\n\n and here are some crops to help you see better \n\n${ONE}\n\n \n\n${ONE}\n\nB`,
    )
    expect(await reply.json()).toMatchObject({ usage: { prompt_tokens_details: { image_tokens: 12 } } })
  })

  it('has a digest for each crop, offered after the whole and sent only when it is missing', async () => {
    const app = await createTestApp()
    await app.chat(asking(image(1, 2, 'high'), image(2, 0)))
    const [first] = app.worker.admitted
    expect(new Set(first?.imageDigests).size).toBe(4)
    expect(first?.patches.map(([byte]) => byte)).toEqual([1, 101, 102, 2])
    await app.chat(asking(image(1, 2, 'low'), image(1, 2, 'high')))
    const second = app.worker.admitted[1]
    expect(second?.imageDigests).toEqual([0, 0, 1, 2].map((at) => first?.imageDigests[at]))
    expect(second?.patches).toEqual([])
  })

  it('that has no crops is one tile', async () => {
    const app = await createTestApp()
    await app.chat(asking(image(1, 0, 'high')))
    expect(contentOf(app)).toBe(`\n\n${ONE}\n\n`)
  })

  it('is asked for by input_image as well', async () => {
    const app = await createTestApp()
    await app.chat(asking({ type: 'input_image', image_url: address(1, 2), detail: 'high' }))
    expect(app.worker.admitted[0]?.imageDigests).toHaveLength(3)
  })

  it('counts each crop as a picture, and is refused before it is decoded when they are too many', async () => {
    const app = await createTestApp()
    const reply = await app.chat(asking(image(1, 4, 'high'), image(2, 3, 'high')))
    expect(reply.status).toBe(400)
    expect(await reply.json()).toMatchObject({
      error: {
        code: 'request.invalid',
        message: 'Expected at most 8 pictures in a request, each crop counted as one, found 9.',
        param: 'messages[0].content[1].image_url',
      },
    })
    expect(app.decoded.map(([byte]) => byte)).toEqual([1])
  })
})

describe('a picture of detail "auto"', () => {
  it.each([
    [false, undefined, 1],
    [false, 'auto', 1],
    [true, undefined, 3],
    [true, 'auto', 3],
    [true, 'low', 1],
    [false, 'high', 3],
  ])('of a model whose processor crops: %s, detail %s, is %i tiles', async (do_pan_and_scan, detail, tiles) => {
    const app = await createTestApp({ model: { do_pan_and_scan } })
    await app.chat(asking(image(1, 2, detail)))
    expect(app.worker.admitted[0]?.imageDigests).toHaveLength(tiles)
  })

  it('of a model that does not say is one tile', async () => {
    const app = await createTestApp()
    await app.chat(asking(image(1, 2)))
    expect(app.worker.admitted[0]?.imageDigests).toHaveLength(1)
  })
})
