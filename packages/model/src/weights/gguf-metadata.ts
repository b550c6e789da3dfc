import type { GgufCursor } from './gguf-cursor.ts'

/** Numbers of one type. `bool` elements are bytes of 0 and 1. */
export type NumberArray =
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | Float32Array
  | BigUint64Array
  | BigInt64Array
  | Float64Array

/** A list in the metadata: numbers, strings, or further lists. */
export type GgufArray = NumberArray | readonly string[] | readonly GgufArray[]

/** A value in the metadata. A 64-bit integer is a bigint where a number would not be exact. */
export type GgufValue = number | bigint | boolean | string | GgufArray

/** The keys of a file, in its order. */
export type GgufMetadata = ReadonlyMap<string, GgufValue>

interface NumberType {
  readonly bytes: number
  readonly read: (view: DataView) => number | bigint
  readonly array: (buffer: ArrayBuffer) => NumberArray
}

const BOOL = 7
const STRING = 8
const ARRAY = 9

const NUMBER_TYPES: ReadonlyMap<number, NumberType> = new Map<number, NumberType>([
  [0, { bytes: 1, read: (view) => view.getUint8(0), array: (buffer) => new Uint8Array(buffer) }],
  [1, { bytes: 1, read: (view) => view.getInt8(0), array: (buffer) => new Int8Array(buffer) }],
  [2, { bytes: 2, read: (view) => view.getUint16(0, true), array: (buffer) => new Uint16Array(buffer) }],
  [3, { bytes: 2, read: (view) => view.getInt16(0, true), array: (buffer) => new Int16Array(buffer) }],
  [4, { bytes: 4, read: (view) => view.getUint32(0, true), array: (buffer) => new Uint32Array(buffer) }],
  [5, { bytes: 4, read: (view) => view.getInt32(0, true), array: (buffer) => new Int32Array(buffer) }],
  [6, { bytes: 4, read: (view) => view.getFloat32(0, true), array: (buffer) => new Float32Array(buffer) }],
  [BOOL, { bytes: 1, read: (view) => view.getUint8(0), array: (buffer) => new Uint8Array(buffer) }],
  [10, { bytes: 8, read: (view) => view.getBigUint64(0, true), array: (buffer) => new BigUint64Array(buffer) }],
  [11, { bytes: 8, read: (view) => view.getBigInt64(0, true), array: (buffer) => new BigInt64Array(buffer) }],
  [12, { bytes: 8, read: (view) => view.getFloat64(0, true), array: (buffer) => new Float64Array(buffer) }],
])

/** A Gemma file has 40 keys. */
const MAX_KEYS = 4096
/** The format's own limit. */
const MAX_KEY_BYTES = 65_535
/** Sixteen times the largest vocabulary. */
const MAX_ITEMS = 2 ** 22
const MAX_DEPTH = 4
/** Over all keys: a list of nothing takes 12 bytes in a file and hundreds in memory. */
const MAX_LISTS = 65_536
/** A length, a type and the smallest value. */
const MIN_KEY_BYTES = 8 + 4 + 1
/** A string is at least its length. */
const MIN_STRING_BYTES = 8
/** A list is at least its type and its length. */
const MIN_ARRAY_BYTES = 4 + 8

/**
 * Reads the keys and values of a header.
 *
 * @param count - how many the header promises
 * @throws AppError `weights.invalid` for an unknown type, a key given twice, a bool beside 0 and 1, a text that is not
 *   UTF-8, or any length that cannot be
 */
export async function readGgufMetadata(cursor: GgufCursor, count: bigint): Promise<GgufMetadata> {
  const keys = cursor.checkCount('the number of keys', count, MAX_KEYS, MIN_KEY_BYTES)
  const metadata = new Map<string, GgufValue>()
  const room = { lists: MAX_LISTS }
  for (let index = 0; index < keys; index++) {
    const key = await cursor.string(`key ${index}`, MAX_KEY_BYTES)
    if (metadata.has(key)) throw cursor.fault(key, 'each key once', 'it again')
    metadata.set(key, await readValue(cursor, key, await cursor.uint32(key), room))
  }
  return metadata
}

/** How much more a file may hold. */
interface Room {
  lists: number
}

async function readValue(cursor: GgufCursor, key: string, type: number, room: Room): Promise<GgufValue> {
  if (type === STRING) return cursor.string(key)
  if (type === ARRAY) return readArray(cursor, key, 1, room)
  const { bytes, read } = numberType(cursor, key, type)
  const value = read(await cursor.view(key, bytes))
  if (type === BOOL) return boolean(cursor, key, Number(value))
  return typeof value === 'bigint' && Number.isSafeInteger(Number(value)) ? Number(value) : value
}

async function readArray(cursor: GgufCursor, key: string, depth: number, room: Room): Promise<GgufArray> {
  if (depth > MAX_DEPTH) throw cursor.fault(key, `at most ${MAX_DEPTH} levels of lists`, 'more')
  if (--room.lists < 0) throw cursor.fault(key, `at most ${MAX_LISTS} lists in a file`, 'more')
  const type = await cursor.uint32(key)
  const count = await cursor.uint64(key)
  const what = `the length of ${key}`
  if (type === STRING) return cursor.strings(key, cursor.checkCount(what, count, MAX_ITEMS, MIN_STRING_BYTES))
  if (type === ARRAY) {
    const lists: GgufArray[] = []
    const length = cursor.checkCount(what, count, MAX_ITEMS, MIN_ARRAY_BYTES)
    for (let index = 0; index < length; index++) lists.push(await readArray(cursor, key, depth + 1, room))
    return lists
  }
  const { bytes, array } = numberType(cursor, key, type)
  const buffer = new ArrayBuffer(cursor.checkCount(what, count, MAX_ITEMS, bytes) * bytes)
  await cursor.copyInto(key, new Uint8Array(buffer))
  const items = array(buffer)
  if (type === BOOL) for (const item of items) boolean(cursor, key, Number(item))
  return items
}

function numberType(cursor: GgufCursor, key: string, type: number): NumberType {
  const known = NUMBER_TYPES.get(type)
  if (known === undefined) throw cursor.fault(key, 'a value type from 0 to 12', type)
  return known
}

function boolean(cursor: GgufCursor, key: string, byte: number): boolean {
  if (byte > 1) throw cursor.fault(key, 'a bool of 0 or 1', byte)
  return byte === 1
}
