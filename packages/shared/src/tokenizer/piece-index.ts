/**
 * Finds a piece by its bytes, or by two pieces whose bytes it joins, without making a string.
 *
 * The rolling hash makes the second cheap: `h(ab) = h(a) * B ** length(b) + h(b)`, 32-bit, so the hash of a join comes
 * from two stored hashes. Every hit is confirmed byte by byte.
 */
export interface PieceIndex {
  readonly size: number
  readonly bytes: Uint8Array
  readonly lengths: Uint8Array
  /** Where each piece starts in `bytes`, `[v]`. */
  readonly offsets: Uint32Array
  /** Rolling hash of each piece, `[v]`. */
  readonly hashes: Int32Array
  /** Code points of each piece, `[v]`. */
  readonly characters: Uint8Array
  /** Open addressing, id + 1, zero is free; at most two thirds full. */
  readonly slots: Uint32Array
}

const BASE = 0x01000193
/** `BASE ** n` for every length that a piece can have. */
const powers = new Int32Array(256).fill(1)
for (let n = 1; n < powers.length; n += 1) powers[n] = Math.imul(powers[n - 1] ?? 0, BASE)

/** Indexes the pieces. The sum of `lengths` must be the length of `bytes`: the caller has checked. */
export function indexPieces(lengths: Uint8Array, bytes: Uint8Array): PieceIndex {
  const size = lengths.length
  const offsets = new Uint32Array(size)
  const hashes = new Int32Array(size)
  const characters = new Uint8Array(size)
  const slots = new Uint32Array(2 ** Math.ceil(Math.log2(1.5 * size + 2)))
  for (let id = 0, offset = 0; id < size; id += 1) {
    offsets[id] = offset
    let hash = 0
    let count = 0
    for (const end = offset + (lengths[id] ?? 0); offset < end; offset += 1) {
      const byte = bytes[offset] ?? 0
      hash = extendHash(hash, byte)
      if ((byte & 0xc0) !== 0x80) count += 1
    }
    hashes[id] = hash
    characters[id] = count
    let slot = firstSlot(hash, slots)
    while (slots[slot] !== 0) slot = (slot + 1) & (slots.length - 1)
    slots[slot] = id + 1
  }
  return { size, bytes, lengths, offsets, hashes, characters, slots }
}

/** Spreads the hash over the table: its low bits alone are those of the last characters. */
function firstSlot(hash: number, slots: Uint32Array): number {
  const mixed = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
  return (mixed ^ (mixed >>> 12)) & (slots.length - 1)
}

/** @returns the id of the piece with exactly these bytes, or -1 */
export function findPiece(index: PieceIndex, bytes: Uint8Array): number {
  if (bytes.length > 255) return -1
  return findPart(index, bytes, 0, bytes.length, bytes.reduce(extendHash, 0))
}

/** The rolling hash of some bytes and one more. */
export function extendHash(hash: number, byte: number): number {
  return (Math.imul(hash, BASE) + byte) | 0
}

/** The hash of what is left of a piece once its first bytes, whose hash is `head`, are cut off. */
export function hashTail(whole: number, head: number, tailBytes: number): number {
  return (whole - Math.imul(head, powers[tailBytes] ?? 0)) | 0
}

/** @returns the id of the piece equal to `bytes[start, start + length)` with rolling hash `hash`, or -1 */
export function findPart(index: PieceIndex, bytes: Uint8Array, start: number, length: number, hash: number): number {
  const { slots, hashes, lengths, offsets } = index
  let slot = firstSlot(hash, slots)
  for (let entry = slots[slot] ?? 0; entry !== 0; entry = slots[slot] ?? 0) {
    const id = entry - 1
    if (hashes[id] === hash && lengths[id] === length) {
      if (hasBytes(index.bytes, offsets[id] ?? 0, bytes, start, length)) return id
    }
    slot = (slot + 1) & (slots.length - 1)
  }
  return -1
}

/** @returns the id of the piece whose bytes are those of `left` and then those of `right`, or -1 */
export function findJoined(index: PieceIndex, left: number, right: number): number {
  const { slots, hashes } = index
  const hash = (Math.imul(hashes[left] ?? 0, powers[index.lengths[right] ?? 0] ?? 0) + (hashes[right] ?? 0)) | 0
  let slot = firstSlot(hash, slots)
  for (let entry = slots[slot] ?? 0; entry !== 0; entry = slots[slot] ?? 0) {
    if (hashes[entry - 1] === hash && isJoined(index, entry - 1, left, right)) return entry - 1
    slot = (slot + 1) & (slots.length - 1)
  }
  return -1
}

function isJoined({ bytes, lengths, offsets }: PieceIndex, id: number, left: number, right: number): boolean {
  const leftBytes = lengths[left] ?? 0
  const rightBytes = lengths[right] ?? 0
  const start = offsets[id] ?? 0
  if (lengths[id] !== leftBytes + rightBytes) return false
  if (!hasBytes(bytes, start, bytes, offsets[left] ?? 0, leftBytes)) return false
  return hasBytes(bytes, start + leftBytes, bytes, offsets[right] ?? 0, rightBytes)
}

function hasBytes(one: Uint8Array, from: number, two: Uint8Array, start: number, length: number): boolean {
  for (let at = 0; at < length; at += 1) if (one[from + at] !== two[start + at]) return false
  return true
}

/** The bytes of one piece, a view. */
export function pieceBytes(index: PieceIndex, id: number): Uint8Array {
  const start = index.offsets[id] ?? 0
  return index.bytes.subarray(start, start + (index.lengths[id] ?? 0))
}
