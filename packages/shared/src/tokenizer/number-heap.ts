import { serves } from './scratch.ts'

/** A binary min-heap of numbers in one typed array. */
export class NumberHeap {
  #values = new Float64Array(0)
  #size = 0

  /** Empties the heap. @param expected - how many numbers it will hold; it may hold more */
  reset(expected: number): void {
    this.#size = 0
    if (!serves(this.#values.length, expected)) this.#values = new Float64Array(expected)
  }

  get size(): number {
    return this.#size
  }

  push(value: number): void {
    if (this.#size === this.#values.length) this.#grow()
    const values = this.#values
    let at = this.#size
    this.#size += 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      const above = values[parent] ?? 0
      if (above <= value) break
      values[at] = above
      at = parent
    }
    values[at] = value
  }

  /** Takes the least number off. The heap must not be empty. */
  pop(): number {
    const values = this.#values
    const least = values[0] ?? 0
    this.#size -= 1
    if (this.#size > 0) this.#sink(values[this.#size] ?? 0)
    return least
  }

  #grow(): void {
    const larger = new Float64Array(16 + 1.5 * this.#size)
    larger.set(this.#values)
    this.#values = larger
  }

  #sink(value: number): void {
    const values = this.#values
    const size = this.#size
    let at = 0
    for (let child = 1; child < size; child = 2 * at + 1) {
      if (child + 1 < size && (values[child + 1] ?? 0) < (values[child] ?? 0)) child += 1
      const below = values[child] ?? 0
      if (below >= value) break
      values[at] = below
      at = child
    }
    values[at] = value
  }
}
