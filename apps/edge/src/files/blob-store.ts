/** A stretch of bytes. */
export interface ByteRange {
  readonly offset: number
  readonly length: number
}

/** Takes the bytes of one blob. Nothing is there until it is finished. */
export interface BlobWriter {
  add(bytes: Uint8Array): Promise<void>
  finish(): Promise<void>
  /** Leaves nothing behind. */
  abort(): Promise<void>
}

/** Bytes under names: R2, or the memory of a test. */
export interface BlobStore {
  write(key: string): BlobWriter
  /** @returns undefined where there is nothing */
  read(key: string, range?: ByteRange): Promise<ReadableStream<Uint8Array> | undefined>
  delete(key: string): Promise<void>
}
