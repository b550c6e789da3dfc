import { AppError } from '../errors/index.ts'
import type { TokenizerContent } from './content.ts'
import { SPACE } from './limits.ts'
import { type PieceIndex, pieceBytes } from './piece-index.ts'

/** Turns one id at a time into text. */
export interface StreamDecoder {
  /**
   * The text that `id` completes: a character that spans several tokens comes with its last one.
   *
   * @throws AppError `prompt.invalid_token` for an id outside the vocabulary
   */
  push(id: number): string
  /** What is left once there are no more ids: U+FFFD if a character was cut off, else nothing. */
  flush(): string
}

/**
 * Ids to UTF-8 to text. Bytes that form no character become U+FFFD as the WHATWG decoder does it, one for each broken
 * sequence; the reference writes one for each byte of the whole run, which no decoder that streams could know.
 */
export function streamDecoder(bytesOf: BytesOf): StreamDecoder {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  return {
    push: (id) => decoder.decode(bytesOf(id), { stream: true }),
    flush: () => decoder.decode(),
  }
}

/** Decodes many ids at once: what a stream of them would give. */
export function decodeIds(bytesOf: BytesOf, ids: Iterable<number>): string {
  const stream = streamDecoder(bytesOf)
  let text = ''
  for (const id of ids) text += stream.push(id)
  return text + stream.flush()
}

/** The UTF-8 bytes that an id stands for in a text. */
export type BytesOf = (id: number) => Uint8Array

const NOTHING = new Uint8Array(0)

/** @throws AppError `prompt.invalid_token` from the returned function, for an id outside the vocabulary */
export function bytesOfIds(content: TokenizerContent, index: PieceIndex, skipSpecial: boolean): BytesOf {
  const byteOf = new Map(Array.from(content.byteIds, (id, byte) => [id, Uint8Array.of(byte)] as const))
  const skipped = new Set(skipSpecial ? content.added.flatMap(({ id, isSpecial }) => (isSpecial ? [id] : [])) : [])
  return (id) => {
    if (!Number.isInteger(id) || id < 0 || id >= index.size) {
      throw new AppError('prompt.invalid_token', `Expected a token id from 0 to ${index.size - 1}, found ${id}.`)
    }
    if (skipped.has(id)) return NOTHING
    return byteOf.get(id) ?? withSpaces(pieceBytes(index, id))
  }
}

const [first, second, third] = new TextEncoder().encode(SPACE)

/** The bytes with each U+2581 as a space; the same view if there is none. */
function withSpaces(bytes: Uint8Array): Uint8Array {
  if (first === undefined || !bytes.includes(first)) return bytes
  const spaced: number[] = []
  for (let at = 0; at < bytes.length; at += 1) {
    const isSpace = bytes[at] === first && bytes[at + 1] === second && bytes[at + 2] === third
    spaced.push(isSpace ? 0x20 : (bytes[at] ?? 0))
    if (isSpace) at += 2
  }
  return Uint8Array.from(spaced)
}
