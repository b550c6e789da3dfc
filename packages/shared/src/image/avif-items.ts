import { concatBytes } from './bytes.ts'
import { byteCursor, type MediaBox, readBoxes } from './isobmff.ts'
import { checkChunks, type ImageLimits, malformed } from './limits.ts'

/** Something that the `meta` box of a file describes. */
export interface MediaItem {
  /** Four characters: `av01`, `grid`, `hvc1`, `Exif`, ... */
  readonly type: string
  readonly properties: readonly MediaBox[]
  /** The pieces of its data. */
  readonly extents: readonly Extent[]
}

/** Items by their number, and how they point at each other. */
export interface MediaItems {
  readonly primary: number
  readonly items: ReadonlyMap<number, MediaItem>
  readonly references: readonly Reference[]
  /** The data of an item. @throws AppError `image.malformed` for data outside the file */
  data(item: MediaItem): Uint8Array
}

/** `from` refers to each of `to`. */
interface Reference {
  /** `dimg`: is put together from; `auxl`: belongs to; ... */
  readonly type: string
  readonly from: number
  readonly to: readonly number[]
}

interface Extent {
  readonly source: 'file' | 'idat'
  readonly offset: number
  /** 0 means up to the end. */
  readonly length: number
}

/** How many bytes each number of `iloc` has. */
interface LocationSizes {
  readonly version: number
  readonly offset: number
  readonly length: number
  readonly base: number
  readonly index: number
}

/**
 * Reads the description of the items of a file.
 *
 * @param meta - payload of the `meta` box
 * @param file - what file offsets count from
 * @throws AppError `image.malformed`, `image.too_large`
 * @see ISO/IEC 14496-12, section 8.11
 */
export function readItems(meta: Uint8Array, file: Uint8Array, limits: ImageLimits): MediaItems {
  const boxes = readBoxes(meta.subarray(4), limits)
  const payload = (type: string) => boxes.find((box) => box.type === type)?.payload
  const required = (type: string) => {
    const found = payload(type)
    if (found === undefined) throw malformed(`Expected a box ${type} in the AVIF, found none.`)
    return found
  }
  const locations = readLocations(required('iloc'), limits)
  const properties = readProperties(required('iprp'), limits)
  const items = new Map<number, MediaItem>()
  for (const [id, type] of readTypes(required('iinf'), limits)) {
    items.set(id, { type, properties: properties.get(id) ?? [], extents: locations.get(id) ?? [] })
  }
  const primary = byteCursor(required('pitm'), 'the box pitm')
  const references = payload('iref')
  const sources = { file, idat: payload('idat') ?? new Uint8Array(0) }
  return {
    primary: primary.uint(primary.versionAndFlags().version === 0 ? 2 : 4),
    items,
    references: references === undefined ? [] : readReferences(references, limits),
    data: ({ extents }) => concatBytes(extents.map((extent) => cut(sources[extent.source], extent))),
  }
}

function cut(bytes: Uint8Array, { offset, length }: Extent): Uint8Array {
  const end = length === 0 ? bytes.byteLength : offset + length
  if (end > bytes.byteLength)
    throw malformed('Expected the data of the AVIF inside the file, found the end: it is truncated.')
  return bytes.subarray(offset, end)
}

function readTypes(payload: Uint8Array, limits: ImageLimits): (readonly [id: number, type: string])[] {
  const { version } = byteCursor(payload, 'the box iinf').versionAndFlags()
  const entries = readBoxes(payload.subarray(version === 0 ? 6 : 8), limits)
  return entries.map(({ payload: entry }) => {
    const cursor = byteCursor(entry, 'the box infe')
    const { version: entryVersion } = cursor.versionAndFlags()
    const id = cursor.uint(entryVersion < 3 ? 2 : 4)
    cursor.uint(2)
    return [id, cursor.tag()] as const
  })
}

function readProperties(payload: Uint8Array, limits: ImageLimits): Map<number, MediaBox[]> {
  const boxes = readBoxes(payload, limits)
  const all = readBoxes(boxes.find(({ type }) => type === 'ipco')?.payload ?? new Uint8Array(0), limits)
  const byItem = new Map<number, MediaBox[]>()
  let count = 0
  for (const { payload: association } of boxes.filter(({ type }) => type === 'ipma')) {
    const cursor = byteCursor(association, 'the box ipma')
    const { version, flags } = cursor.versionAndFlags()
    const wide = (flags & 1) !== 0
    for (let entries = cursor.uint(4); entries > 0; entries--) {
      const id = cursor.uint(version === 0 ? 2 : 4)
      // The highest bit says whether the property matters; here the named ones always do.
      const numbers = Array.from({ length: cursor.uint(1) }, () => cursor.uint(wide ? 2 : 1) & (wide ? 0x7fff : 0x7f))
      byItem.set(
        id,
        numbers.map((number) => all[number - 1]).filter((box) => box !== undefined),
      )
      checkChunks(++count, limits)
    }
  }
  return byItem
}

function readReferences(payload: Uint8Array, limits: ImageLimits): Reference[] {
  const idBytes = byteCursor(payload, 'the box iref').versionAndFlags().version === 0 ? 2 : 4
  return readBoxes(payload.subarray(4), limits).map(({ type, payload: reference }) => {
    const cursor = byteCursor(reference, 'a reference of the box iref')
    const from = cursor.uint(idBytes)
    const count = cursor.uint(2)
    checkChunks(count, limits)
    return { type, from, to: Array.from({ length: count }, () => cursor.uint(idBytes)) }
  })
}

function readLocations(payload: Uint8Array, limits: ImageLimits): Map<number, Extent[]> {
  const cursor = byteCursor(payload, 'the box iloc')
  const { version } = cursor.versionAndFlags()
  if (version > 2) throw malformed(`Expected the box iloc in version 0 to 2, found ${version}.`)
  const [first, second] = [cursor.uint(1), cursor.uint(1)]
  const index = version === 0 ? 0 : second & 15
  const sizes: LocationSizes = { version, offset: first >> 4, length: first & 15, base: second >> 4, index }
  if ([sizes.offset, sizes.length, sizes.base, sizes.index].some((size) => ![0, 4, 8].includes(size))) {
    throw malformed('Expected numbers of 0, 4 or 8 bytes in the box iloc, found others.')
  }
  const byItem = new Map<number, Extent[]>()
  for (let items = cursor.uint(version < 2 ? 2 : 4); items > 0; items--) {
    const id = cursor.uint(version < 2 ? 2 : 4)
    byItem.set(id, readExtents(cursor, sizes, limits))
    checkChunks(byItem.size, limits)
  }
  return byItem
}

function readExtents(cursor: ReturnType<typeof byteCursor>, sizes: LocationSizes, limits: ImageLimits): Extent[] {
  const method = sizes.version === 0 ? 0 : cursor.uint(2) & 15
  if (method > 1 || cursor.uint(2) !== 0)
    throw malformed('Expected the data of the AVIF in its own file, found it elsewhere.')
  const base = cursor.uint(sizes.base)
  const count = cursor.uint(2)
  checkChunks(count, limits)
  return Array.from({ length: count }, () => {
    cursor.uint(sizes.index)
    const offset = base + cursor.uint(sizes.offset)
    return { source: method === 0 ? ('file' as const) : ('idat' as const), offset, length: cursor.uint(sizes.length) }
  })
}
