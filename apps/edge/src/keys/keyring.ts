import { toHex } from '@loupe/shared/wire'
import { isSameText } from './same-text.ts'

/** A key as it was presented, and known to be one of ours: that it has not been revoked, only its account can tell. */
export interface PresentedKey {
  /** The public part. */
  readonly id: string
  /** What is stored of it: HMAC-SHA-256 of the whole key, hex. */
  readonly digest: string
}

/** What is made from the pepper, the secret that the stored digests are worthless without. */
export interface Keyring {
  /** Makes a key. It is told to its owner once and kept nowhere. */
  mint(): Promise<PresentedKey & { readonly key: string }>
  /** @returns undefined for anything that this keyring has not made, without asking anybody */
  read(key: string): Promise<PresentedKey | undefined>
  /**
   * A name for whom a request belongs to: caches, files and queues are kept apart by it. It tells neither the owner nor
   * the key, and without the pepper nobody can compute the one of somebody else.
   *
   * @param kind - `owner` for the owner of a managed key, `static` for a key of `API_KEYS`, which owns itself
   */
  tenantOf(kind: 'owner' | 'static', name: string): Promise<string>
  /** HMAC-SHA-256 of a text, for one purpose. */
  digestOf(purpose: string, text: string): Promise<string>
}

/** `sk-loupe-`, 64 bits of public id, then 160 bits of secret and 48 bits that only the pepper can make. */
const KEY = /^sk-loupe-([0-9a-f]{16})-[0-9a-f]{40}([0-9a-f]{12})$/
const ID_BYTES = 8
const SECRET_BYTES = 20
const TAG_DIGITS = 12
const TENANT_DIGITS = 32

const encoder = new TextEncoder()

/** Makes a keyring. @param pepper - a secret; with another one no key is valid and every tenant has another name */
export function createKeyring(pepper: string): Keyring {
  let imported: Awaited<ReturnType<typeof crypto.subtle.importKey>> | undefined
  const digestOf = async (purpose: string, text: string): Promise<string> => {
    imported ??= await crypto.subtle.importKey(
      'raw',
      encoder.encode(pepper),
      { name: 'HMAC', hash: 'SHA-256' },
      false,
      ['sign'],
    )
    const bytes = encoder.encode(`loupe ${purpose}\n${text}`)
    return toHex(new Uint8Array(await crypto.subtle.sign('HMAC', imported, bytes)))
  }
  // The tag lets a made-up key be refused here, so that a stranger who guesses costs no call of an object.
  const tagOf = async (untagged: string) => (await digestOf('key tag', untagged)).slice(0, TAG_DIGITS)
  return {
    digestOf,
    async mint() {
      const id = randomHex(ID_BYTES)
      const untagged = `sk-loupe-${id}-${randomHex(SECRET_BYTES)}`
      const key = `${untagged}${await tagOf(untagged)}`
      return { id, key, digest: await digestOf('key', key) }
    },
    async read(key) {
      const [, id, tag] = KEY.exec(key) ?? []
      if (id === undefined || tag === undefined) return undefined
      const expected = await tagOf(key.slice(0, -TAG_DIGITS))
      return isSameText(expected, tag) ? { id, digest: await digestOf('key', key) } : undefined
    },
    async tenantOf(kind, name) {
      return (await digestOf(`tenant ${kind}`, name)).slice(0, TENANT_DIGITS)
    },
  }
}

function randomHex(bytes: number): string {
  return toHex(crypto.getRandomValues(new Uint8Array(bytes)))
}
