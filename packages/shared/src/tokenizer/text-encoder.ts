import { AppError } from '../errors/index.ts'
import { addedTokenFinder } from './added-tokens.ts'
import type { TokenizerContent } from './content.ts'
import { LIMITS, SPACE } from './limits.ts'
import { type MergeRules, ROLE } from './merge-rules.ts'
import { PairMerger } from './pair-merger.ts'
import { type PieceIndex, pieceBytes } from './piece-index.ts'
import { WordCache } from './word-cache.ts'
import { bridgesOf, wordEnd } from './words.ts'

/** Text to ids. Holds scratch memory and a bounded cache, so one instance serves a process. */
export class PieceEncoder {
  readonly #content: TokenizerContent
  readonly #merger: PairMerger
  readonly #findAdded: ReturnType<typeof addedTokenFinder>
  readonly #symbolOf: (codePoint: number) => number
  readonly #endOfWord: (text: string, start: number) => number
  readonly #words = new WordCache()

  constructor(content: TokenizerContent, index: PieceIndex, roles: Uint8Array, rules: MergeRules) {
    this.#content = content
    this.#merger = new PairMerger(rules)
    this.#findAdded = addedTokenFinder(content.added)
    this.#symbolOf = characterTable(index, roles)
    const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
    const bridges =
      content.bridges && bridgesOf(Array.from(content.bridges, (id) => decoder.decode(pieceBytes(index, id))))
    this.#endOfWord = (text, start) => (bridges === undefined ? text.length : wordEnd(text, start, bridges))
  }

  /** @param withControl - also match control tokens; else they are text as any other */
  encode(text: string, withControl: boolean): Int32Array {
    if (text.length > LIMITS.textUnits) {
      throw new AppError('prompt.too_long', `Expected at most ${LIMITS.textUnits} characters, found ${text.length}.`)
    }
    const wellFormed = text.toWellFormed()
    const ids: number[] = []
    let from = 0
    for (;;) {
      const match = this.#findAdded(wellFormed, from, withControl)
      if (match === undefined) break
      this.#encodeWords(wellFormed.slice(from, match.start), ids)
      ids.push(match.id)
      from = match.end
    }
    this.#encodeWords(wellFormed.slice(from), ids)
    return new Int32Array(ids)
  }

  /** A stretch without added tokens. */
  #encodeWords(stretch: string, ids: number[]): void {
    const text = stretch.replaceAll(' ', SPACE)
    const out = { ids, encode: (start: number, end: number) => this.#mergeWord(text, start, end, ids) }
    for (let start = 0; start < text.length; ) {
      const end = this.#endOfWord(text, start)
      this.#words.push(text, start, end, out)
      start = end
    }
  }

  #mergeWord(text: string, start: number, end: number, ids: number[]): void {
    this.#merger.reserve(end - start)
    const { symbols } = this.#merger
    let count = 0
    for (let at = start; at < end; ) {
      const codePoint = text.codePointAt(at) ?? 0
      at += codePoint > 0xffff ? 2 : 1
      const id = this.#symbolOf(codePoint)
      if (id >= 0) symbols[count++] = id
      else {
        // Bytes merge with nothing: what stands before them is a word of its own.
        if (count > 0) this.#merger.merge(count, ids)
        count = 0
        for (const byte of encodeCharacter(codePoint)) ids.push(this.#content.byteIds[byte] ?? 0)
      }
    }
    if (count > 0) this.#merger.merge(count, ids)
  }
}

/** Looks up the piece that is one character: an array for the Basic Multilingual Plane, a map beyond it. -1 if none. */
function characterTable(index: PieceIndex, roles: Uint8Array): (codePoint: number) => number {
  const basic = new Int32Array(1 << 16).fill(-1)
  const others = new Map<number, number>()
  for (let id = 0; id < index.size; id += 1) {
    if (index.characters[id] !== 1 || roles[id] === ROLE.inert) continue
    const codePoint = decodeCharacter(index.bytes, index.offsets[id] ?? 0, index.lengths[id] ?? 0)
    if (codePoint < basic.length) basic[codePoint] = id
    else others.set(codePoint, id)
  }
  return (codePoint) => (codePoint < basic.length ? basic[codePoint] : others.get(codePoint)) ?? -1
}

/** One character of UTF-8. By hand: a TextDecoder call for each of a vocabulary's characters takes ten times as long. */
function decodeCharacter(bytes: Uint8Array, start: number, length: number): number {
  const lead = bytes[start] ?? 0
  if (length === 1) return lead
  let value = lead & (0xff >> (length + 1))
  for (let at = start + 1; at < start + length; at += 1) value = (value << 6) | ((bytes[at] ?? 0) & 0x3f)
  return value
}

/** The UTF-8 of one character. By hand for the same reason. */
function encodeCharacter(codePoint: number): readonly number[] {
  if (codePoint < 0x80) return [codePoint]
  const last = 0x80 | (codePoint & 0x3f)
  if (codePoint < 0x800) return [0xc0 | (codePoint >> 6), last]
  const beforeLast = 0x80 | ((codePoint >> 6) & 0x3f)
  if (codePoint < 0x10000) return [0xe0 | (codePoint >> 12), beforeLast, last]
  return [0xf0 | (codePoint >> 18), 0x80 | ((codePoint >> 12) & 0x3f), beforeLast, last]
}
