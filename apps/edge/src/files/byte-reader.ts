import { concatenate } from '../read-bounded.ts'

/** Reads a stream up to marks in it. Holds no more than one chunk and the length of a mark. */
export class ByteReader {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>
  #held: Uint8Array
  #isOver = false

  /** @param before - bytes that are read before those of the stream */
  constructor(stream: ReadableStream<Uint8Array>, before: Uint8Array = new Uint8Array()) {
    this.#reader = stream.getReader()
    this.#held = before
  }

  /** The bytes in front of a mark, piece by piece; the mark is passed over. @returns whether it was there */
  async *upTo(mark: Uint8Array): AsyncGenerator<Uint8Array, boolean> {
    for (;;) {
      const at = indexOfBytes(this.#held, mark)
      if (at >= 0) {
        const before = this.#held.subarray(0, at)
        this.#held = this.#held.subarray(at + mark.byteLength)
        if (before.byteLength > 0) yield before
        return true
      }
      const safe = Math.max(0, this.#held.byteLength - mark.byteLength + 1)
      const before = this.#held.subarray(0, safe)
      this.#held = this.#held.subarray(safe)
      if (before.byteLength > 0) yield before
      if (!(await this.#more())) {
        if (this.#held.byteLength > 0) yield this.#held
        this.#held = new Uint8Array()
        return false
      }
    }
  }

  /** So many bytes, or fewer at the end. */
  async take(length: number): Promise<Uint8Array> {
    while (this.#held.byteLength < length && (await this.#more()));
    const taken = this.#held.subarray(0, length)
    this.#held = this.#held.subarray(length)
    return taken
  }

  /** Takes in what is still sent and keeps none of it. */
  async drain(mostBytes: number): Promise<void> {
    for (let bytes = 0; bytes < mostBytes; ) {
      this.#held = new Uint8Array()
      if (!(await this.#more())) return
      bytes += this.#held.byteLength
    }
  }

  async #more(): Promise<boolean> {
    if (this.#isOver) return false
    const { done, value } = await this.#reader.read()
    if (done) this.#isOver = true
    else this.#held = this.#held.byteLength === 0 ? value : concatenate([this.#held, value])
    return !done
  }
}

function indexOfBytes(bytes: Uint8Array, mark: Uint8Array): number {
  const [first = 0] = mark
  for (let at = bytes.indexOf(first); at >= 0; at = bytes.indexOf(first, at + 1)) {
    if (at + mark.byteLength > bytes.byteLength) return -1
    if (mark.every((byte, index) => bytes[at + index] === byte)) return at
  }
  return -1
}
