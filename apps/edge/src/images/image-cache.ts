import type { CacheRules } from './cache-rules.ts'

/** A picture that was fetched. */
export interface CachedImage {
  /** The file. Not to be changed: it is given out again. */
  readonly bytes: Uint8Array
  readonly rules: CacheRules
}

/** Whose picture it is, and where it is from. */
interface CacheKey {
  /** Only who fetched a picture gets it from the cache: a hit tells that it was fetched. */
  readonly tenant: string
  readonly url: string
}

/** Keeps fetched pictures for a while. */
export interface ImageCache {
  get(key: CacheKey): CachedImage | undefined
  put(key: CacheKey, image: CachedImage): void
}

/** How much is kept. */
export interface ImageCacheOptions {
  /** Of all pictures together. */
  readonly maxBytes: number
  /** Of one: a few large ones must not push out all others. */
  readonly maxImageBytes: number
}

/**
 * Keeps pictures in the memory of the isolate; those unused for longest go first.
 *
 * Cloudflare's Cache API was not taken: it does nothing on `workers.dev`, its entries are bounded by nobody here, and it
 * keeps on a disk of the data centre what a tenant may have fetched by a secret address.
 */
export function createImageCache({ maxBytes, maxImageBytes }: ImageCacheOptions): ImageCache {
  const images = new Map<string, CachedImage>() // the order of use, oldest first
  let heldBytes = 0

  function remove(name: string): CachedImage | undefined {
    const image = images.get(name)
    images.delete(name)
    heldBytes -= image?.bytes.byteLength ?? 0
    return image
  }

  function add(name: string, image: CachedImage): void {
    images.set(name, image)
    heldBytes += image.bytes.byteLength
  }

  return {
    get(key) {
      const name = nameOf(key)
      const image = remove(name)
      if (image !== undefined) add(name, image)
      return image
    },
    put(key, image) {
      const name = nameOf(key)
      remove(name)
      if (image.bytes.byteLength > maxImageBytes) return
      add(name, image)
      for (const oldest of images.keys()) {
        if (heldBytes <= maxBytes) return
        remove(oldest)
      }
    },
  }
}

function nameOf({ tenant, url }: CacheKey): string {
  return JSON.stringify([tenant, url])
}
