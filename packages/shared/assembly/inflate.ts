import { build, FOR_DISTANCES, FOR_LENGTHS, FOR_LITERALS } from './code-table'
import { inflateCodes } from './inflate-codes'
import {
  BIT_COUNT,
  BITS,
  BLOCK_HEADER,
  CODED,
  DAMAGED,
  DISTANCE_BITS,
  DISTANCES,
  DONE,
  ENDED,
  GO_ON,
  INPUT,
  INPUT_END,
  IS_FINAL,
  IS_LAST,
  KIND,
  LENGTH_BITS,
  LENGTHS,
  LITERAL_BITS,
  LITERALS,
  leaveBlock,
  MARGIN,
  MODE,
  NEEDS_INPUT,
  OUTPUT,
  OUTPUT_FULL,
  OUTPUT_LIMIT,
  REPEATS,
  STORED,
  STORED_LEFT,
  TRUNCATED,
  ZLIB_HEADER,
} from './inflate-state'

// The reader of headers; the loop over codes has its own in locals.
let input: usize = 0
let bits: u64 = 0
let count: i32 = 0

export function startInflate(state: usize): void {
  memory.fill(state, 0, LITERALS)
  for (let distance: usize = 1; distance < 16; distance++) {
    for (let i: usize = 0; i < 16; i++) store<u8>(state + REPEATS + distance * 16 + i, <u8>(i % distance))
  }
}

/** Goes on until input runs low, output is full, or the end. */
export function inflate(state: usize): i32 {
  let result = GO_ON
  while (result === GO_ON) {
    const mode = load<i32>(state, MODE)
    if (mode === CODED) result = inflateCodes(state)
    else if (mode === STORED) result = copyStored(state)
    else if (mode === ENDED) result = DONE
    else result = readHeader(state, mode)
  }
  return result
}

function readHeader(state: usize, mode: i32): i32 {
  input = load<u32>(state, INPUT)
  bits = load<u64>(state, BITS)
  count = load<i32>(state, BIT_COUNT)
  const end = <usize>load<u32>(state, INPUT_END)
  const isLast = load<i32>(state, IS_LAST) !== 0
  if (!isLast && input + MARGIN > end) return NEEDS_INPUT
  refill()
  const isSound = mode === ZLIB_HEADER ? readZlibHeader(state) : readBlockHeader(state)
  input -= <usize>(count >> 3)
  count &= 7
  store<u32>(state, <u32>input, INPUT)
  store<i32>(state, count, BIT_COUNT)
  store<u64>(state, bits & (((<u64>1) << (<u64>count)) - 1), BITS)
  if (input > end) return TRUNCATED
  return isSound ? GO_ON : DAMAGED
}

function refill(): void {
  bits |= load<u64>(input) << (<u64>count)
  input += <usize>((63 - count) >> 3)
  count |= 56
}

function take(length: i32): i32 {
  const value = <i32>(bits & (((<u64>1) << (<u64>length)) - 1))
  bits >>= <u64>length
  count -= length
  return value
}

function readZlibHeader(state: usize): bool {
  const method = take(8)
  const flags = take(8)
  store<i32>(state, BLOCK_HEADER, MODE)
  return ((method << 8) | flags) % 31 === 0 && (method & 15) === 8 && method >> 4 <= 7 && (flags & 32) === 0
}

function readBlockHeader(state: usize): bool {
  store<i32>(state, take(1), IS_FINAL)
  const type = take(2)
  if (type === 0) return readStoredHeader(state)
  store<i32>(state, CODED, MODE)
  if (type === 1) return buildFixed(state)
  return type === 2 && readCodes(state)
}

function readStoredHeader(state: usize): bool {
  take(count & 7)
  const length = take(16)
  const inverse = take(16)
  store<i32>(state, STORED, MODE)
  store<i32>(state, length, STORED_LEFT)
  return (length ^ inverse) === 0xffff
}

function buildFixed(state: usize): bool {
  const lengths = state + LENGTHS
  memory.fill(lengths, 8, 144)
  memory.fill(lengths + 144, 9, 112)
  memory.fill(lengths + 256, 7, 24)
  memory.fill(lengths + 280, 8, 8)
  build(state, state + LITERALS, lengths, 288, LITERAL_BITS, FOR_LITERALS)
  memory.fill(lengths, 5, 32)
  return build(state, state + DISTANCES, lengths, 32, DISTANCE_BITS, FOR_DISTANCES)
}

function readCodes(state: usize): bool {
  const literals = take(5) + 257
  const distances = take(5) + 1
  const orders = take(4) + 4
  if (literals > 286 || distances > 30) return false
  const lengths = state + LENGTHS
  memory.fill(lengths, 0, 19)
  for (let i = 0; i < orders; i++) {
    refill()
    store<u8>(lengths + lengthOrder(i), <u8>take(3))
  }
  // The table of lengths stands where that of distances will be: it is needed no longer then.
  if (!build(state, state + DISTANCES, lengths, 19, LENGTH_BITS, FOR_LENGTHS)) return false
  if (!readLengths(state, literals + distances)) return false
  if (load<u8>(lengths + 256) === 0) return false
  if (!build(state, state + LITERALS, lengths, literals, LITERAL_BITS, FOR_LITERALS)) return false
  return build(state, state + DISTANCES, lengths + literals, distances, DISTANCE_BITS, FOR_DISTANCES)
}

/** 16, 17, 18, 0, 8, 7, 9, 6, 10, 5, ... */
function lengthOrder(i: i32): usize {
  if (i < 3) return <usize>(16 + i)
  if (i === 3) return 0
  return <usize>(i & 1 ? 7 - ((i - 5) >> 1) : 8 + ((i - 4) >> 1))
}

function readLengths(state: usize, wanted: i32): bool {
  const lengths = state + LENGTHS
  for (let i = 0; i < wanted; ) {
    refill()
    const entry = load<u32>(state + DISTANCES + <usize>((bits & 127) << 2))
    if ((entry & KIND) !== 0) return false
    take(entry & 0xff)
    const symbol = <i32>(entry >> 16)
    if (symbol === 16 && i === 0) return false
    if (symbol < 16) store<u8>(lengths + i++, <u8>symbol)
    else {
      const times = repeats(symbol)
      if (i + times > wanted) return false
      memory.fill(lengths + i, repeated(lengths, i, symbol), times)
      i += times
    }
  }
  return true
}

/** Zero, or the length before. */
function repeated(lengths: usize, i: i32, symbol: i32): u8 {
  return symbol === 16 ? load<u8>(lengths + i - 1) : 0
}

function repeats(symbol: i32): i32 {
  if (symbol === 16) return 3 + take(2)
  return symbol === 17 ? 3 + take(3) : 11 + take(7)
}

function copyStored(state: usize): i32 {
  const from = <usize>load<u32>(state, INPUT)
  const to = <usize>load<u32>(state, OUTPUT)
  const left = <usize>load<u32>(state, STORED_LEFT)
  const available = <usize>load<u32>(state, INPUT_END) - from
  const room = <usize>load<u32>(state, OUTPUT_LIMIT) - to
  const length = min(left, min(available, room))
  memory.copy(to, from, length)
  store<u32>(state, <u32>(from + length), INPUT)
  store<u32>(state, <u32>(to + length), OUTPUT)
  store<u32>(state, <u32>(left - length), STORED_LEFT)
  if (length === left) return leaveBlock(state)
  if (length === room) return OUTPUT_FULL
  return load<i32>(state, IS_LAST) !== 0 ? TRUNCATED : NEEDS_INPUT
}
