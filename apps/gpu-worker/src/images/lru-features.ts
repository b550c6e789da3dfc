/** Image features by key, within a budget of bytes; the longest unused go first. */
export class LruFeatures {
  readonly #capacityBytes: number
  /** A map keeps the order of insertion, so its first entry is the longest unused. */
  readonly #entries = new Map<string, Float32Array>()
  #bytes = 0

  constructor(capacityBytes: number) {
    this.#capacityBytes = capacityBytes
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Looks without counting as a use. */
  has(key: string): boolean {
    return this.#entries.has(key)
  }

  get(key: string): Float32Array | undefined {
    const features = this.#entries.get(key)
    if (features === undefined) return undefined
    this.#entries.delete(key)
    this.#entries.set(key, features)
    return features
  }

  /** Adds features; those larger than the whole budget are not kept. */
  set(key: string, features: Float32Array): void {
    this.#remove(key)
    if (features.byteLength > this.#capacityBytes) return
    this.#entries.set(key, features)
    this.#bytes += features.byteLength
    for (const oldest of this.#entries.keys()) {
      if (this.#bytes <= this.#capacityBytes) return
      this.#remove(oldest)
    }
  }

  #remove(key: string): void {
    this.#bytes -= this.#entries.get(key)?.byteLength ?? 0
    this.#entries.delete(key)
  }
}
