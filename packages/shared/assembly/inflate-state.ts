/** Where things are in the memory of one inflater. */

// The state that `inflate` keeps, offsets in bytes. The host knows the first six.
export const INPUT: usize = 0
export const INPUT_END: usize = 4
export const IS_LAST: usize = 8
export const OUTPUT: usize = 12
export const OUTPUT_LIMIT: usize = 16
export const OUTPUT_BASE: usize = 20
export const MODE: usize = 24
export const IS_FINAL: usize = 28
export const STORED_LEFT: usize = 32
export const BIT_COUNT: usize = 36
export const BITS: usize = 40
/** Code lengths of a block, one byte each. */
export const LENGTHS: usize = 48
/** How many codes have each length, and the next code of each: 16 integers each. */
export const COUNTS: usize = 400
export const NEXT: usize = 464
/** For each distance below 16: which of the bytes there each of 16 bytes repeats. */
export const REPEATS: usize = 528
export const LITERALS: usize = 1024
export const DISTANCES: usize = 20480

export const LITERAL_BITS: i32 = 11
export const DISTANCE_BITS: i32 = 9
export const LENGTH_BITS: i32 = 7

// Modes.
export const ZLIB_HEADER: i32 = 0
export const BLOCK_HEADER: i32 = 1
export const STORED: i32 = 2
export const CODED: i32 = 3
export const ENDED: i32 = 4

// What `inflate` returns.
export const NEEDS_INPUT: i32 = 0
export const OUTPUT_FULL: i32 = 1
export const DONE: i32 = 2
export const DAMAGED: i32 = 3
export const TRUNCATED: i32 = 4
export const GO_ON: i32 = 5

/** More than the header of a block takes: with so much input nothing has to be taken up in the middle. */
export const MARGIN: usize = 1024

// Entries of a table: bits 0-7 length of the code, 8-11 extra bits (or bits of a second table), 12-15 kind, 16-31 value.
export const KIND: u32 = 0xf000
export const BASE: u32 = 0x1000
export const END: u32 = 0x2000
export const SECOND: u32 = 0x3000
export const INVALID: u32 = 0x4000

export function leaveBlock(state: usize): i32 {
  store<i32>(state, load<i32>(state, IS_FINAL) !== 0 ? ENDED : BLOCK_HEADER, MODE)
  return GO_ON
}
