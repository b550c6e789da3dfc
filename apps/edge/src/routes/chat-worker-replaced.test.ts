import { AppError } from '@loupe/shared/errors'
import { describe, expect, it } from 'vitest'
import { saysIds } from '../testing/fake-worker.ts'
import { createTestApp } from '../testing/test-app.ts'
import { BACKWARD_ARTIFACT, TINY_ARTIFACT, tinyId } from '../testing/tiny-tokenizer.ts'

const hello = { messages: [{ role: 'user', content: 'hello' }] }

const picture = { type: 'image_url', image_url: { url: `data:image/png;base64,${btoa('picture')}` } }

/** The id that a letter has in the other order. */
const mirrored = (letter: string) => tinyId('!') + tinyId('~') - tinyId(letter)

describe('a worker that another one has replaced', () => {
  it('gets ids of its own tokenizer, and its answer is read with that', async () => {
    const app = await createTestApp()
    const asked = { messages: [{ role: 'user', content: [picture, { type: 'text', text: 'ab' }] }] }
    await app.chat(asked)
    await app.worker.becomeAnother(BACKWARD_ARTIFACT)
    // What was ! is ~ now: with the old tokenizer the same ids would be other letters.
    app.worker.script = saysIds(Array.from('!a', (letter) => mirrored(letter)))
    const reply = await app.chat(asked)
    expect(await reply.json()).toMatchObject({ choices: [{ message: { content: '!a' } }] })
    const [before, after] = app.worker.admitted.map(({ inputIds }) => Array.from(inputIds))
    expect(after).toContain(mirrored('b'))
    expect(after).not.toEqual(before)
    expect(app.decoded).toHaveLength(2) // one for each request, and not again
  })

  it('is asked again when what was known of it was too little, and believed when it says the same', async () => {
    const app = await createTestApp()
    const long = { messages: [{ role: 'user', content: 'x'.repeat(600) }] }
    await app.chat(hello)
    await app.worker.becomeAnother(TINY_ARTIFACT, { context_length: 1024 })
    expect((await app.chat(long)).status).toBe(200)
    const asked = app.worker.calls.length
    expect((await app.chat({ ...hello, max_tokens: 2000 })).status).toBe(400)
    expect(app.worker.calls.slice(asked).map(({ path }) => path)).toEqual(['/v2/models/org%2Ftiny'])
  })

  it('is said not to serve a model that it does not serve', async () => {
    const app = await createTestApp()
    await app.chat(hello)
    app.worker.refusal = new AppError('model.unknown')
    const reply = await app.chat(hello)
    expect([reply.status, await reply.json()]).toMatchObject([404, { error: { code: 'model_not_found' } }])
  })
})
