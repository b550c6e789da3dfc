import { describe, expect, it } from 'vitest'
import { createKeyring } from './keyring.ts'

const keyring = createKeyring('the pepper of one deployment')

describe('a keyring', () => {
  it('makes keys that it reads again, each another one', async () => {
    const [one, other] = await Promise.all([keyring.mint(), keyring.mint()])
    expect(one.key).toMatch(/^sk-loupe-[0-9a-f]{16}-[0-9a-f]{52}$/)
    expect(one.key).not.toBe(other.key)
    expect(await keyring.read(one.key)).toEqual({ id: one.id, digest: one.digest })
    expect(one.key).toContain(one.id)
  })

  it('stores nothing from which a key could be read or made', async () => {
    const { key, digest } = await keyring.mint()
    expect(digest).toMatch(/^[0-9a-f]{64}$/)
    const plain = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(key)))
    expect(digest).not.toBe(Array.from(plain, (byte) => byte.toString(16).padStart(2, '0')).join(''))
    expect(digest).not.toContain(key.slice(-12))
  })

  it('refuses a key with any digit changed, without asking anybody', async () => {
    const { key } = await keyring.mint()
    for (let at = 'sk-loupe-'.length; at < key.length; at++) {
      if (key[at] === '-') continue
      const changed = `${key.slice(0, at)}${key[at] === '0' ? '1' : '0'}${key.slice(at + 1)}`
      expect(await keyring.read(changed), changed).toBeUndefined()
    }
  })

  it.each(['', 'sk-loupe-', 'sk-loupe-0123456789abcdef', `sk-loupe-${'0'.repeat(16)}-${'0'.repeat(52)}`])(
    'refuses %j',
    async (key) => {
      expect(await keyring.read(key)).toBeUndefined()
    },
  )

  it('reads no key of another pepper, in upper case, or with something behind it', async () => {
    const { key } = await keyring.mint()
    expect(await createKeyring('another pepper').read(key)).toBeUndefined()
    expect(await keyring.read(key.toUpperCase())).toBeUndefined()
    expect(await keyring.read(`${key} `)).toBeUndefined()
    expect(await keyring.read(`${key}\n`)).toBeUndefined()
  })

  it('gives owners names that nobody can compute, and that are apart', async () => {
    const names = await Promise.all([
      keyring.tenantOf('owner', 'acme'),
      keyring.tenantOf('owner', 'acme2'),
      keyring.tenantOf('static', 'acme'),
      createKeyring('another pepper').tenantOf('owner', 'acme'),
    ])
    expect(new Set(names).size).toBe(4)
    expect(await keyring.tenantOf('owner', 'acme')).toBe(names[0])
    for (const name of names) expect(name).toMatch(/^[0-9a-f]{32}$/)
  })
})
