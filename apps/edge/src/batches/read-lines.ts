import { concatenate } from '../read-bounded.ts'

/** A line of a file, without its end. */
export interface FileLine {
  /** From 1. */
  readonly line: number
  /** Of its first byte in the file. */
  readonly offset: number
  /** Undefined for a line that is longer than the limit. */
  readonly bytes: Uint8Array | undefined
}

const LINE_FEED = 10

/** The lines of a file, as it comes in. No more than the longest line is held. */
export async function* readLines(
  stream: ReadableStream<Uint8Array>,
  mostBytes: number,
): AsyncGenerator<FileLine, void> {
  const reader = stream.getReader()
  let held: Uint8Array[] = []
  let length = 0
  let offset = 0
  let line = 1
  const hold = (piece: Uint8Array): void => {
    length += piece.byteLength
    if (length <= mostBytes) held.push(piece)
    else held = []
  }
  const end = (): FileLine => {
    const whole = { line, offset, bytes: length > mostBytes ? undefined : concatenate(held) }
    held = []
    offset += length + 1
    length = 0
    line += 1
    return whole
  }
  for (;;) {
    const { done, value } = await reader.read()
    if (done) break
    let start = 0
    for (let at = value.indexOf(LINE_FEED); at >= 0; at = value.indexOf(LINE_FEED, start)) {
      hold(value.subarray(start, at))
      start = at + 1
      yield end()
    }
    hold(value.subarray(start))
  }
  if (length > 0) yield end()
}
