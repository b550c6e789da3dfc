/**
 * Memory for the working copies of a row. Samplers run one after the other and keep nothing of a row, so that one buffer
 * serves all of them: a fresh megabyte for each token of each answer would cost more than the work on it.
 */
export class Scratch {
  #floats = new Float32Array(0)
  #ints = new Int32Array(0)

  /** @returns `[length]`, whatever was left there; valid until the next call */
  floats(length: number): Float32Array {
    if (this.#floats.length < length) this.#floats = new Float32Array(length)
    return this.#floats.subarray(0, length)
  }

  /** As `floats`, in a buffer of its own. */
  ints(length: number): Int32Array {
    if (this.#ints.length < length) this.#ints = new Int32Array(length)
    return this.#ints.subarray(0, length)
  }
}
