import { AppError } from '@loupe/shared/errors'

/** What one slot of a pool holds: tokens in order, the last of which layers with a window have as well. */
export class PoolSlot {
  /** Where in the caches it is. */
  row: number
  #length = 0
  #base = 0
  /** 1 for each token that is a place of a picture. */
  readonly #pictures: Uint8Array

  constructor(row: number, capacityTokens: number) {
    this.row = row
    this.#pictures = new Uint8Array(capacityTokens)
  }

  /** Tokens that are cached. */
  get length(): number {
    return this.#length
  }

  /** The first token that layers with a window have, in their slot 0. */
  get base(): number {
    return this.#base
  }

  /** 1 for each of some tokens that is a place of a picture. */
  pictures(from = 0, end = this.#length): Uint8Array {
    return this.#pictures.slice(from, end)
  }

  /** Whether there are places of pictures on both sides of here. */
  isInsidePicture(token: number): boolean {
    return token < this.#length && this.#isPicture(token - 1) && this.#isPicture(token)
  }

  /** @throws AppError `image.count_mismatch` where a picture would go on that is cached already */
  checkNext(isPicture: boolean): void {
    if (isPicture && this.#isPicture(this.#length - 1)) throw cutPicture()
  }

  /** @param pictures - 1 for each token that is a place of a picture */
  append(pictures: ArrayLike<number>): void {
    this.#pictures.set(pictures, this.#length)
    this.#length += pictures.length
  }

  /** Layers with a window do not have what stands before this token. */
  keepFrom(base: number): void {
    this.#base = base
  }

  /** Goes back to an earlier length. */
  cut(length: number): void {
    this.#length = length
    if (length === 0) this.#base = 0
  }

  #isPicture(token: number): boolean {
    return this.#pictures[token] === 1
  }
}

/** The error of whoever takes a picture apart, whose tokens see each other. */
export function cutPicture(): AppError {
  const expected = 'Expected an image to begin and end in one part'
  return new AppError('image.count_mismatch', `${expected}, found one cut in two.`)
}
