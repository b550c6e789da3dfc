import { createHash, randomBytes } from 'node:crypto'
import { AppError } from '@loupe/shared/errors'
import { LruFeatures } from './lru-features.ts'
import { SharedPass } from './shared-pass.ts'

/** Pictures that a request holds. Dispose it when the request is done. */
export interface ImageClaim extends Disposable {
  /** How many pictures of the request need no vision pass of their own. */
  readonly cached: number
  /** SHA-256 of each picture, hexadecimal. */
  readonly digests: readonly string[]
  /** The features of each picture, `[256 * d]` each; computed now unless they are there. */
  features(signal: AbortSignal): Promise<readonly Float32Array[]>
}

/** What an {@link ImageStore} is made of. */
export interface ImageStoreOptions {
  /** One vision pass: `[4096 * 588]` uint8 to `[256 * d]` float32. */
  readonly encode: (patches: Uint8Array, signal: AbortSignal) => Promise<Float32Array>
  /** Features kept beyond the requests that use them. */
  readonly capacityBytes: number
  /** Called for every picture of every claim. */
  readonly onQuery?: (isHit: boolean) => void
}

/** A picture while requests hold it. */
interface Pending {
  readonly pass: SharedPass<Float32Array>
  holders: number
}

/**
 * Pictures by content. A request names digests; patches travel only for those that are neither cached nor held by
 * another request. However many requests show the same picture, one vision pass serves them.
 *
 * Tenants share nothing: whether a digest is known tells what somebody has looked at.
 */
export class ImageStore {
  readonly #options: ImageStoreOptions
  readonly #secret = randomBytes(32)
  readonly #features: LruFeatures
  readonly #pending = new Map<string, Pending>()

  constructor(options: ImageStoreOptions) {
    this.#options = options
    this.#features = new LruFeatures(options.capacityBytes)
  }

  /** Features kept beyond the requests that use them. */
  get bytes(): number {
    return this.#features.bytes
  }

  /**
   * Takes hold of the pictures of a request, starting nothing.
   *
   * @param digests - SHA-256 of the patches, hexadecimal, in the order of the prompt
   * @param patches - of any of them; each digest is computed here, not believed
   * @throws AppError `image.digest_mismatch` for patches that are not named, `image.missing` with the digests whose
   *   patches must be sent
   */
  claim(tenant: string, digests: readonly string[], patches: readonly Uint8Array[]): ImageClaim {
    const sent = sentPictures(digests, patches)
    const keys = digests.map((digest) => this.#key(tenant, digest))
    const isMissing = digests.map((digest, index) => !sent.has(digest) && !this.#isKnown(keys[index] ?? ''))
    if (isMissing.includes(true)) {
      const missing = [...new Set(digests.filter((_, index) => isMissing[index]))]
      throw new AppError('image.missing', `${missing.length} of ${digests.length} images must be sent.`, {
        facts: { missing },
      })
    }
    let cached = 0
    const parts = digests.map((digest, index) => {
      const { isHit, picture } = this.#hold(keys[index] ?? '', sent.get(digest))
      if (isHit) cached++
      this.#options.onQuery?.(isHit)
      return picture
    })
    return {
      cached,
      digests,
      features: async (signal) => {
        const all: Float32Array[] = []
        for (const part of parts) all.push(await part.features(signal))
        return all
      },
      [Symbol.dispose]: () => {
        for (const part of parts.splice(0)) part.release()
      },
    }
  }

  #isKnown(key: string): boolean {
    return this.#features.has(key) || this.#pending.has(key)
  }

  #hold(key: string, patches: Uint8Array | undefined): { isHit: boolean; picture: Held } {
    const known = this.#features.get(key)
    if (known !== undefined) {
      return { isHit: true, picture: { features: () => Promise.resolve(known), release: () => {} } }
    }
    const pending = this.#pending.get(key)
    if (pending !== undefined) return { isHit: true, picture: this.#join(key, pending) }
    if (patches === undefined) throw new AppError('internal', 'A picture was claimed without its patches.')
    const own = patches.slice() // a view would keep the other pictures of its body for as long as anybody holds this one
    const pass = new SharedPass(async (signal) => {
      const features = await this.#options.encode(own, signal)
      this.#features.set(key, features)
      return features
    })
    return { isHit: false, picture: this.#join(key, { pass, holders: 0 }) }
  }

  #join(key: string, pending: Pending): Held {
    pending.holders++
    this.#pending.set(key, pending)
    return {
      features: (signal) => pending.pass.result(signal),
      release: () => {
        pending.holders--
        if (pending.holders === 0) this.#pending.delete(key)
      },
    }
  }

  /** Salted with a secret of the process, so that a key says nothing outside of it. */
  #key(tenant: string, digest: string): string {
    const salt = createHash('sha256').update(this.#secret).update(tenant).digest()
    return createHash('sha256').update(salt).update(digest, 'hex').digest('hex')
  }
}

interface Held {
  features(signal: AbortSignal): Promise<Float32Array>
  release(): void
}

function sentPictures(digests: readonly string[], patches: readonly Uint8Array[]): Map<string, Uint8Array> {
  const named = new Set(digests)
  return new Map(
    patches.map((picture, index) => {
      const digest = createHash('sha256').update(picture).digest('hex')
      if (named.has(digest)) return [digest, picture]
      throw new AppError(
        'image.digest_mismatch',
        `Picture ${index} of "patches" has the digest ${digest}, which is none of the ${digests.length} named ones.`,
        { param: 'patches' },
      )
    }),
  )
}
