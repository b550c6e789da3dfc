import { crc32 } from '../crc32.ts'
import type { AddedToken, TokenizerContent } from './content.ts'
import { invalid } from './invalid.ts'
import { LIMITS } from './limits.ts'

/**
 * The compact form of a tokenizer.json, what the edge fetches and keeps. Integers are little-endian.
 *
 *     0      8         12        16      20       24            28      32        36
 *     | magic | version | CRC-32  | flags | pieces | piece bytes | added | bridges | merges | sections ...
 *
 *     length of each piece     u8  x pieces
 *     the pieces, UTF-8        u8  x piece bytes
 *     id of each byte's token  u32 x 256
 *     added tokens             u32 x added: id in the low 24 bits, flags above
 *     bridges                  u32 x bridges: ids, see TokenizerContent
 *     merges                   2 x u32 x merges: left and right id, best first
 *
 * The CRC-32 covers all bytes after it. It finds a damaged file, not a forged one: who fetches an artifact compares its
 * SHA-256 with the one announced. A vocabulary of Gemma's size is 2.6 MB, 1.4 MB after gzip.
 */
const MAGIC = 'LOUPETOK'
const VERSION = 1
const CHECKED_FROM = 16
const HEADER_BYTES = 40
const BYTE_TOKENS = 256

/** Bits of the header's flags. */
const HAS_MERGES = 1
const HAS_WORDS = 2

/** Bits of an added token's flags. */
const SPECIAL = 1
const CONTROL = 2
const PIECE = 4
const ID_BITS = 24

interface Counts {
  readonly flags: number
  readonly pieces: number
  readonly pieceBytes: number
  readonly added: number
  readonly bridges: number
  readonly merges: number
}

/** Writes the artifact. */
export function encodeArtifact(content: TokenizerContent): Uint8Array {
  const { pieceLengths, pieceBytes, byteIds, added, bridges, merges } = content
  const counts: Counts = {
    flags: (merges === undefined ? 0 : HAS_MERGES) | (bridges === undefined ? 0 : HAS_WORDS),
    pieces: pieceLengths.length,
    pieceBytes: pieceBytes.length,
    added: added.length,
    bridges: bridges?.length ?? 0,
    merges: (merges?.length ?? 0) / 2,
  }
  const artifact = new Uint8Array(artifactBytes(counts))
  const view = new DataView(artifact.buffer)
  artifact.set(new TextEncoder().encode(MAGIC))
  view.setUint32(8, VERSION, true)
  Object.values(counts).forEach((count: number, at) => {
    view.setUint32(CHECKED_FROM + 4 * at, count, true)
  })
  artifact.set(pieceLengths, HEADER_BYTES)
  artifact.set(pieceBytes, HEADER_BYTES + pieceLengths.length)
  let offset = HEADER_BYTES + pieceLengths.length + pieceBytes.length
  for (const numbers of [byteIds, added.map(packAdded), bridges ?? [], merges ?? []]) {
    for (const number of numbers) {
      view.setUint32(offset, number, true)
      offset += 4
    }
  }
  view.setUint32(12, crc32(artifact.subarray(CHECKED_FROM)), true)
  return artifact
}

function artifactBytes({ pieces, pieceBytes, added, bridges, merges }: Counts): number {
  return HEADER_BYTES + pieces + pieceBytes + 4 * (BYTE_TOKENS + added + bridges + 2 * merges)
}

function packAdded({ id, isSpecial, isControl, isPiece }: AddedToken): number {
  const flags = (isSpecial ? SPECIAL : 0) | (isControl ? CONTROL : 0) | (isPiece ? PIECE : 0)
  return id + flags * 2 ** ID_BITS
}

/**
 * Reads an artifact. `pieceLengths` and `pieceBytes` are views of it: do not change it afterwards.
 *
 * @throws AppError `tokenizer.invalid` for a wrong magic, version, size, checksum, or an id outside the vocabulary
 */
export function decodeArtifact(artifact: Uint8Array): TokenizerContent {
  const view = new DataView(artifact.buffer, artifact.byteOffset, artifact.byteLength)
  const counts = readHeader(artifact, view)
  const found = crc32(artifact.subarray(CHECKED_FROM))
  const stored = view.getUint32(12, true)
  if (found !== stored) throw invalid('checksum of the artifact', stored.toString(16), found.toString(16))

  const bytesAt = HEADER_BYTES + counts.pieces
  const pieceLengths = artifact.subarray(HEADER_BYTES, bytesAt)
  const pieceBytes = artifact.subarray(bytesAt, bytesAt + counts.pieceBytes)
  checkLengths(pieceLengths, counts.pieceBytes)

  let offset = bytesAt + counts.pieceBytes
  const readIds = (thing: string, length: number): Int32Array => {
    const ids = new Int32Array(length)
    for (let at = 0; at < length; at += 1, offset += 4) {
      const id = view.getUint32(offset, true)
      if (id >= counts.pieces) throw invalid(`${thing} ${at}`, `an id below ${counts.pieces}`, id)
      ids[at] = id
    }
    return ids
  }
  const byteIds = readIds('byte token', BYTE_TOKENS)
  const added = readAdded(view, offset, counts, pieceLengths, pieceBytes)
  offset += 4 * counts.added
  const bridges = readIds('bridge', counts.bridges)
  const merges = readIds('half of merges', 2 * counts.merges)
  return {
    pieceLengths,
    pieceBytes,
    byteIds,
    added,
    bridges: counts.flags & HAS_WORDS ? bridges : undefined,
    merges: counts.flags & HAS_MERGES ? merges : undefined,
  }
}

/** Checks magic, version, counts and total size, before anything is allocated. */
function readHeader(artifact: Uint8Array, view: DataView): Counts {
  if (artifact.length < HEADER_BYTES) throw invalid('artifact', `at least ${HEADER_BYTES} bytes`, artifact.length)
  const magic = new TextDecoder().decode(artifact.subarray(0, 8))
  if (magic !== MAGIC) throw invalid('magic of the artifact', MAGIC, magic)
  const version = view.getUint32(8, true)
  if (version !== VERSION) throw invalid('version of the artifact', String(VERSION), version)
  const read = (at: number): number => view.getUint32(CHECKED_FROM + 4 * at, true)
  const counts = {
    flags: read(0),
    pieces: read(1),
    pieceBytes: read(2),
    added: read(3),
    bridges: read(4),
    merges: read(5),
  }
  const most = { pieces: LIMITS.pieces, added: LIMITS.addedTokens, bridges: LIMITS.pieces, merges: LIMITS.merges }
  for (const [thing, limit] of Object.entries(most) as [keyof typeof most, number][]) {
    if (counts[thing] > limit) throw invalid(`${thing} of the artifact`, `at most ${limit}`, counts[thing])
  }
  const bytes = artifactBytes(counts)
  if (artifact.length !== bytes) throw invalid('artifact', `${bytes} bytes as its header says`, artifact.length)
  return counts
}

function checkLengths(pieceLengths: Uint8Array, pieceBytes: number): void {
  let sum = 0
  for (let id = 0; id < pieceLengths.length; id += 1) sum += pieceLengths[id] ?? 0
  if (sum !== pieceBytes) throw invalid('piece lengths', `a sum of ${pieceBytes}`, sum)
  const empty = pieceLengths.indexOf(0)
  if (empty >= 0) throw invalid(`piece ${empty}`, 'at least one byte', 0)
}

function readAdded(
  view: DataView,
  offset: number,
  counts: Counts,
  pieceLengths: Uint8Array,
  pieceBytes: Uint8Array,
): AddedToken[] {
  const words = Array.from({ length: counts.added }, (_, at) => view.getUint32(offset + 4 * at, true))
  const contents = piecesAt(new Set(words.map(addedId)), pieceLengths, pieceBytes)
  return words.map((word, at) => {
    const id = addedId(word)
    const content = contents.get(id)
    if (content === undefined) throw invalid(`added token ${at}`, `an id below ${counts.pieces}`, id)
    const flags = word >>> ID_BITS
    const has = (bit: number) => (flags & bit) !== 0
    return { id, content, isSpecial: has(SPECIAL), isControl: has(CONTROL), isPiece: has(PIECE) }
  })
}

function addedId(word: number): number {
  return word & (2 ** ID_BITS - 1)
}

function piecesAt(ids: ReadonlySet<number>, lengths: Uint8Array, bytes: Uint8Array): ReadonlyMap<number, string> {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  const pieces = new Map<number, string>()
  const wanted = Uint32Array.from(ids).sort()
  let offset = 0
  let next = 0
  for (const id of wanted) {
    if (id >= lengths.length) break
    for (; next < id; next += 1) offset += lengths[next] ?? 0
    const piece = bytes.subarray(offset, offset + (lengths[id] ?? 0))
    // Nearly all are ASCII, and a call of the decoder for each takes longer.
    pieces.set(id, piece.every((byte) => byte < 0x80) ? String.fromCharCode(...piece) : decoder.decode(piece))
  }
  return pieces
}
