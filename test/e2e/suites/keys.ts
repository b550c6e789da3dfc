import { apiKeyList } from '@loupe/shared/schema'
import { describe, expect, it, vi } from 'vitest'
import {
  callAdmin,
  countStatuses,
  createKey,
  askForModels as models,
  PATIENCE,
  SHORT,
  toldSecrets,
  withKey,
} from '../support/key-admin.ts'
import { dataUri, examplePath, imagePart, textPart } from '../support/pictures.ts'
import type { Stack } from '../support/stack.ts'

/** Keys and their tenants, in the Durable Objects of a real runtime. */
export function keysSuite(stack: () => Stack): void {
  keySuite(stack)
  tenantsSuite(stack)
  logSuite(stack)
}

function keySuite(stack: () => Stack): void {
  describe('a key', () => {
    it('that is revoked is refused from the next request on', async () => {
      const { key, id } = await createKey(stack(), {})
      expect((await models(stack(), key)).status).toBe(200)
      expect((await callAdmin(stack(), `/admin/keys/${id}`, { method: 'DELETE' })).status).toBe(200)
      const replies = await Promise.all(Array.from({ length: 5 }, () => models(stack(), key)))
      expect(countStatuses(replies)).toEqual({ 401: 5 })
      expect(await replies[0]?.json()).toMatchObject({
        error: { code: 'invalid_api_key', message: expect.stringContaining('was revoked at') },
      })
    })

    it('that expires is refused from then on', async () => {
      const { key } = await createKey(stack(), { expires_at: Math.floor(Date.now() / 1000) + 2 })
      await vi.waitFor(async () => {
        const reply = await models(stack(), key)
        expect(await reply.json()).toMatchObject({ error: { message: expect.stringContaining('expired at') } })
        expect(reply.status).toBe(401)
      }, PATIENCE)
    })

    it('serves what its scopes are for, and is not guessed', async () => {
      const { key } = await createKey(stack(), { scopes: ['models'] })
      expect((await models(stack(), key)).status).toBe(200)
      expect((await stack().chat(SHORT, withKey(key))).status).toBe(403)
      expect((await models(stack(), `${key.slice(0, -1)}${key.endsWith('0') ? '1' : '0'}`)).status).toBe(401)
    })

    it('is listed with those of its owner, the newest first, page by page', async () => {
      const owner = `lister-${crypto.randomUUID()}`
      const ids: string[] = []
      for (let count = 0; count < 3; count++) ids.unshift((await createKey(stack(), { owner })).id)
      const first = apiKeyList.parse(await (await callAdmin(stack(), `/admin/keys?owner=${owner}&limit=2`)).json())
      const next = `/admin/keys?owner=${owner}&limit=2&after=${first.last_id}`
      const second = apiKeyList.parse(await (await callAdmin(stack(), next)).json())
      expect([first, second].map(({ data, has_more }) => [data.map(({ id }) => id), has_more])).toEqual([
        [ids.slice(0, 2), true],
        [ids.slice(2), false],
      ])
    })
  })
}

function tenantsSuite(stack: () => Stack): void {
  describe('two tenants', () => {
    const picture = imagePart(dataUri(examplePath('three-blue-stars.png')))
    const asked = { role: 'user', content: [picture, textPart('How many are there? Nobody else asks it so.')] }

    /** What the cache had of the prompt, and whether the worker had to be sent the picture. */
    async function ask(key: string) {
      const before = stack().proxy.calls.length
      const reply = await stack().chat({ messages: [asked], max_tokens: 2 }, withKey(key))
      const { usage } = (await reply.json()) as { usage: { prompt_tokens_details: { cached_tokens: number } } }
      const wasSent = stack()
        .proxy.calls.slice(before)
        .some(({ status }) => status === 409)
      return { cached: usage.prompt_tokens_details.cached_tokens, wasSent }
    }

    it('share no cache of pictures or prompts; two keys of one do', async () => {
      const owners = ['one', 'one', 'two'].map((owner) => `${owner}-${crypto.randomUUID().slice(0, 8)}`)
      const [first, , other] = owners
      const keys = await Promise.all([first, first, other].map((owner) => createKey(stack(), { owner })))
      const [one, same, stranger] = keys.map(({ key }) => key)
      expect(await ask(one ?? '')).toEqual({ cached: 0, wasSent: true })
      expect(await ask(stranger ?? '')).toEqual({ cached: 0, wasSent: true })
      for (const key of [one, same, stranger]) {
        const { cached, wasSent } = await ask(key ?? '')
        expect(cached).toBeGreaterThan(200)
        expect(wasSent).toBe(false)
      }
    })
  })
}

function logSuite(stack: () => Stack): void {
  describe('the log of the edge', () => {
    it('has a line for each key that was made, and neither a key nor a prompt', async () => {
      await vi.waitFor(() => expect(stack().edgeOutput()).toContain('"event":"key.created"'), PATIENCE)
      const output = stack().edgeOutput()
      expect(output).toContain('"event":"key.revoked"')
      const secrets = toldSecrets()
      expect(secrets.length).toBeGreaterThan(5)
      for (const secret of secrets) expect(output).not.toContain(secret)
    })
  })
}
