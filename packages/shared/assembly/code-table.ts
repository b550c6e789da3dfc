import { BASE, COUNTS, END, INVALID, KIND, NEXT, SECOND } from './inflate-state'

// What a table is for.
export const FOR_LENGTHS: i32 = 0
export const FOR_LITERALS: i32 = 1
export const FOR_DISTANCES: i32 = 2

/**
 * Writes the table of a canonical code: `2 ** primary` entries by the next bits, behind them second tables for longer codes.
 *
 * @returns false for a code that zlib refuses
 */
export function build(state: usize, table: usize, lengths: usize, symbols: i32, primary: i32, use: i32): bool {
  const longest = countLengths(state, lengths, symbols)
  const size = 1 << primary
  const invalid = INVALID | 1
  for (let i = 0; i < size; i++) store<u32>(table + ((<usize>i) << 2), invalid)
  if (longest === 0) return true
  if (!isComplete(state, use, longest)) return false
  let second = size
  for (let symbol = 0; symbol < symbols; symbol++) {
    const length = <i32>load<u8>(lengths + symbol)
    if (length === 0) continue
    const next = state + NEXT + ((<usize>length) << 2)
    const code = reversed(load<i32>(next), length)
    store<i32>(next, load<i32>(next) + 1)
    const entry = entryOf(symbol, use) | length
    if (length <= primary) place(table, code, 1 << length, size, entry)
    else {
      const more = longest - primary
      const first = table + ((<usize>(code & (size - 1))) << 2)
      if ((load<u32>(first) & KIND) !== SECOND) {
        store<u32>(first, (second << 16) | SECOND | (more << 8) | primary)
        second += 1 << more
      }
      const start = table + ((<usize>(load<u32>(first) >> 16)) << 2)
      place(start, code >> primary, 1 << (length - primary), 1 << more, entry)
    }
  }
  return true
}

function place(table: usize, first: i32, step: i32, end: i32, entry: u32): void {
  for (let i = first; i < end; i += step) store<u32>(table + ((<usize>i) << 2), entry)
}

/** Whether there is neither more nor less than there is room for. Only a single literal or distance may be less. */
function isComplete(state: usize, use: i32, longest: i32): bool {
  let left = 1
  for (let length = 1; length < 16; length++) {
    left = (left << 1) - load<i32>(state + COUNTS + ((<usize>length) << 2))
    if (left < 0) return false
  }
  return left === 0 || (use !== FOR_LENGTHS && longest === 1)
}

/** @returns the longest */
function countLengths(state: usize, lengths: usize, symbols: i32): i32 {
  memory.fill(state + COUNTS, 0, 64)
  let longest = 0
  for (let symbol = 0; symbol < symbols; symbol++) {
    const length = <i32>load<u8>(lengths + symbol)
    if (length === 0) continue
    const place = state + COUNTS + ((<usize>length) << 2)
    store<i32>(place, load<i32>(place) + 1)
    longest = max(longest, length)
  }
  let code = 0
  for (let length: usize = 1; length < 16; length++) {
    code = (code + load<i32>(state + COUNTS + ((length - 1) << 2))) << 1
    store<i32>(state + NEXT + (length << 2), code)
  }
  return longest
}

function reversed(code: i32, length: i32): i32 {
  let mirrored = 0
  for (let i = 0; i < length; i++) mirrored |= ((code >> i) & 1) << (length - 1 - i)
  return mirrored
}

function entryOf(symbol: i32, use: i32): u32 {
  if (use === FOR_DISTANCES) return distanceEntry(symbol)
  if (use === FOR_LENGTHS || symbol < 256) return symbol << 16
  if (symbol === 256) return END
  if (symbol > 285) return INVALID
  const i = symbol - 257
  if (i < 8) return BASE | ((3 + i) << 16)
  if (i === 28) return BASE | (258 << 16)
  const extra = (i >> 2) - 1
  return BASE | ((3 + ((4 + (i & 3)) << extra)) << 16) | (extra << 8)
}

function distanceEntry(symbol: i32): u32 {
  if (symbol > 29) return INVALID
  if (symbol < 4) return BASE | ((1 + symbol) << 16)
  const extra = (symbol >> 1) - 1
  return BASE | ((1 + ((2 + (symbol & 1)) << extra)) << 16) | (extra << 8)
}
