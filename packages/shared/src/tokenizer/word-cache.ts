/** Words that have more UTF-16 units than this are not kept: they seldom come again. */
const LONGEST_WORD = 64
/** Open addressing, at most half full. */
const SLOTS = 1 << 15
const MOST_WORDS = SLOTS / 2
/** Room for the units of all words, and for their ids. A word has no more ids than three a unit. */
const UNITS = 1 << 18
const IDS = 1 << 17

/**
 * The ids of words that came before, without a string for each word: a word is a stretch of the text, found by a hash of its
 * units and compared unit by unit. All of it is 1.2 MB; when full, it begins anew.
 */
export class WordCache {
  /** Number of the word + 1; 0 is free. */
  readonly #slots = new Uint16Array(SLOTS)
  readonly #hashes = new Int32Array(MOST_WORDS)
  /** Where the units and the ids of each word begin, and where those of the last one end. */
  readonly #unitStarts = new Int32Array(MOST_WORDS + 1)
  readonly #idStarts = new Int32Array(MOST_WORDS + 1)
  readonly #units = new Uint16Array(UNITS)
  readonly #ids = new Int32Array(IDS)
  #words = 0

  /**
   * Appends the ids of `text[start, end)` to `out`.
   *
   * @param encode - gives the ids of a word that is not known, appended to `out`
   */
  push(
    text: string,
    start: number,
    end: number,
    out: { readonly ids: number[]; encode(start: number, end: number): void },
  ) {
    if (end - start > LONGEST_WORD) return out.encode(start, end)
    const hash = hashOf(text, start, end)
    let slot = hash & (SLOTS - 1)
    for (let entry = this.#slots[slot] ?? 0; entry !== 0; entry = this.#slots[slot] ?? 0) {
      const word = entry - 1
      if (this.#hashes[word] === hash && this.#isWord(word, text, start, end)) return this.#copyIds(word, out.ids)
      slot = (slot + 1) & (SLOTS - 1)
    }
    const before = out.ids.length
    out.encode(start, end)
    this.#remember(text, start, end, { hash, slot, ids: out.ids, before })
  }

  #isWord(word: number, text: string, start: number, end: number): boolean {
    const from = this.#unitStarts[word] ?? 0
    if ((this.#unitStarts[word + 1] ?? 0) - from !== end - start) return false
    for (let at = start; at < end; at += 1) {
      if (this.#units[from + at - start] !== text.charCodeAt(at)) return false
    }
    return true
  }

  #copyIds(word: number, ids: number[]): void {
    const end = this.#idStarts[word + 1] ?? 0
    for (let at = this.#idStarts[word] ?? 0; at < end; at += 1) ids.push(this.#ids[at] ?? 0)
  }

  #remember(text: string, start: number, end: number, { hash, slot, ids, before }: Encoded): void {
    let place = slot
    if (!this.#hasRoom(end - start, ids.length - before)) {
      this.#slots.fill(0)
      this.#words = 0
      place = hash & (SLOTS - 1)
    }
    const word = this.#words++
    this.#slots[place] = word + 1
    this.#hashes[word] = hash
    const unit = this.#unitStarts[word] ?? 0
    for (let at = start; at < end; at += 1) this.#units[unit + at - start] = text.charCodeAt(at)
    this.#unitStarts[word + 1] = unit + end - start
    const id = this.#idStarts[word] ?? 0
    for (let at = before; at < ids.length; at += 1) this.#ids[id + at - before] = ids[at] ?? 0
    this.#idStarts[word + 1] = id + ids.length - before
  }

  #hasRoom(units: number, ids: number): boolean {
    const word = this.#words
    return (
      word < MOST_WORDS && (this.#unitStarts[word] ?? 0) + units <= UNITS && (this.#idStarts[word] ?? 0) + ids <= IDS
    )
  }
}

interface Encoded {
  readonly hash: number
  /** A free one, where the word belongs. */
  readonly slot: number
  readonly ids: readonly number[]
  /** How many ids there were before those of the word. */
  readonly before: number
}

function hashOf(text: string, start: number, end: number): number {
  let hash = 0x811c9dc5 | 0
  for (let at = start; at < end; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  return hash ^ (hash >>> 15)
}
