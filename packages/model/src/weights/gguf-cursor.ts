import { AppError } from '@loupe/shared/errors'
import type { FileReader } from './checkpoint.ts'

/** Bytes fetched at once. A header is read in such pieces, however long it is. */
const WINDOW_BYTES = 256 * 1024
/** A vocabulary of 262,144 pieces with scores and types takes 7 MB. */
const MAX_HEADER_BYTES = 64 * 1024 * 1024
/** Chat templates take a few KB. */
const MAX_STRING_BYTES = 1024 * 1024
const LENGTH_BYTES = 8
/** A token may well be a byte order mark. */
const UTF_8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Reads the header of one file front to back, little-endian. Knows at each step how much can still follow, so that no
 * length of the file is believed before it has been compared with that.
 */
export class GgufCursor {
  readonly file: string
  readonly #files: FileReader
  /** The end of the file or of the longest header we read, whichever comes first. */
  readonly #end: number
  #window: DataView = new DataView(new ArrayBuffer(0))
  /** First byte of the window, counted from the start of the file. */
  #windowStart = 0
  #position = 0

  constructor(files: FileReader, file: string, fileBytes: number) {
    this.#files = files
    this.file = file
    this.#end = Math.min(fileBytes, MAX_HEADER_BYTES)
  }

  /** The next byte, counted from the start of the file. */
  get position(): number {
    return this.#position
  }

  /** One error of the format. */
  fault(what: string, expected: string, found: unknown): AppError {
    return new AppError('weights.invalid', `${this.file}: ${what}: expected ${expected}, found ${found}.`)
  }

  /**
   * Refuses a count of things that cannot fit into the rest of the header.
   *
   * @param most - the largest count that makes sense
   * @param eachBytes - the fewest bytes that one of them takes
   * @returns the count as a number
   */
  checkCount(what: string, count: bigint | number, most: number, eachBytes: number): number {
    const room = Math.min(most, Math.floor((this.#end - this.#position) / eachBytes))
    if (count > room) throw this.fault(what, `at most ${room}`, count)
    return Number(count)
  }

  async uint32(what: string): Promise<number> {
    return (await this.view(what, 4)).getUint32(0, true)
  }

  async uint64(what: string): Promise<bigint> {
    return (await this.view(what, 8)).getBigUint64(0, true)
  }

  /** A length and as many bytes of UTF-8. */
  async string(what: string, maxBytes = MAX_STRING_BYTES): Promise<string> {
    const length = this.checkCount(`the length of ${what}`, await this.uint64(what), maxBytes, 1)
    return this.#decode(what, await this.view(what, length))
  }

  /** Strings one after another. Those that have been fetched are read without waiting: a vocabulary has many. */
  async strings(what: string, count: number): Promise<string[]> {
    const strings: string[] = []
    for (let index = 0; index < count; index++) {
      strings.push(this.#fetchedString(what) ?? (await this.string(what)))
    }
    return strings
  }

  /** Copies bytes into `target` until it is full. */
  async copyInto(what: string, target: Uint8Array): Promise<void> {
    for (let done = 0; done < target.byteLength; done += WINDOW_BYTES) {
      const length = Math.min(WINDOW_BYTES, target.byteLength - done)
      const { buffer, byteOffset } = await this.view(what, length)
      target.set(new Uint8Array(buffer, byteOffset, length), done)
    }
  }

  /** The next bytes; valid until the next call. At most {@link MAX_STRING_BYTES}. */
  async view(what: string, length: number): Promise<DataView> {
    if (length > this.#end - this.#position) {
      throw this.fault(what, `${length} bytes at ${this.#position}`, `the end of the header or file at ${this.#end}`)
    }
    const at = this.#position - this.#windowStart
    this.#position += length
    if (at + length <= this.#window.byteLength) {
      return new DataView(this.#window.buffer, this.#window.byteOffset + at, length)
    }
    this.#windowStart += at
    const wanted = Math.min(Math.max(length, WINDOW_BYTES), this.#end - this.#windowStart)
    const bytes = await this.#files.read(this.file, this.#windowStart, wanted)
    this.#window = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    return new DataView(bytes.buffer, bytes.byteOffset, length)
  }

  /** @returns `undefined` unless all of it lies in the window */
  #fetchedString(what: string): string | undefined {
    const start = this.#position - this.#windowStart + LENGTH_BYTES
    const room = this.#window.byteLength - start
    if (room < 0) return undefined
    const length = this.#window.getBigUint64(start - LENGTH_BYTES, true)
    if (length > room) return undefined
    this.#position += LENGTH_BYTES + Number(length)
    return this.#decode(what, new DataView(this.#window.buffer, this.#window.byteOffset + start, Number(length)))
  }

  #decode(what: string, bytes: DataView): string {
    try {
      return UTF_8.decode(bytes)
    } catch (cause) {
      throw new AppError('weights.invalid', `${this.file}: ${what}: expected UTF-8, found other bytes.`, { cause })
    }
  }
}
