import {
  BASE,
  BIT_COUNT,
  BITS,
  DAMAGED,
  DISTANCE_BITS,
  DISTANCES,
  END,
  GO_ON,
  INPUT,
  INPUT_END,
  IS_LAST,
  KIND,
  LITERAL_BITS,
  LITERALS,
  leaveBlock,
  MARGIN,
  NEEDS_INPUT,
  OUTPUT,
  OUTPUT_BASE,
  OUTPUT_FULL,
  OUTPUT_LIMIT,
  REPEATS,
  SECOND,
  TRUNCATED,
} from './inflate-state'

/**
 * Literals and matches of one block, until its end or until something runs out. One loop over locals: a call or a global
 * in it costs a third of the speed.
 */
// biome-ignore lint/complexity/noExcessiveCognitiveComplexity: see above
// biome-ignore lint/complexity/noExcessiveLinesPerFunction: see above
export function inflateCodes(state: usize): i32 {
  const literals = state + LITERALS
  const distances = state + DISTANCES
  const end = <usize>load<u32>(state, INPUT_END)
  const isLast = load<i32>(state, IS_LAST) !== 0
  const stop = isLast ? end : end - MARGIN
  // Where input ends for good, one symbol at a time: the one that would need more than there is must not count.
  const tail = isLast ? end - 16 : end
  const limit = <usize>load<u32>(state, OUTPUT_LIMIT)
  const base = <usize>load<u32>(state, OUTPUT_BASE)
  let at = <usize>load<u32>(state, INPUT)
  let held = load<u64>(state, BITS)
  let heldCount = load<i32>(state, BIT_COUNT)
  let out = <usize>load<u32>(state, OUTPUT)
  let before = out
  let result = GO_ON
  for (;;) {
    if (at - <usize>(heldCount >> 3) > stop) {
      if (isLast) out = before
      result = isLast ? TRUNCATED : NEEDS_INPUT
      break
    }
    if (out >= limit && !isEndNext(literals, at, held, heldCount)) {
      result = OUTPUT_FULL
      break
    }
    before = out
    held |= load<u64>(at) << (<u64>heldCount)
    at += <usize>((63 - heldCount) >> 3)
    heldCount |= 56
    let entry = load<u32>(literals + <usize>((held & 2047) << 2))
    if ((entry & KIND) === 0) {
      held >>= <u64>(entry & 0xff)
      heldCount -= entry & 0xff
      store<u8>(out++, <u8>(entry >> 16))
      if (at > tail) continue
      entry = load<u32>(literals + <usize>((held & 2047) << 2))
      if ((entry & KIND) === 0) {
        held >>= <u64>(entry & 0xff)
        heldCount -= entry & 0xff
        store<u8>(out++, <u8>(entry >> 16))
        entry = load<u32>(literals + <usize>((held & 2047) << 2))
        if ((entry & KIND) === 0) {
          held >>= <u64>(entry & 0xff)
          heldCount -= entry & 0xff
          store<u8>(out++, <u8>(entry >> 16))
          continue
        }
      }
      held |= load<u64>(at) << (<u64>heldCount)
      at += <usize>((63 - heldCount) >> 3)
      heldCount |= 56
    }
    if ((entry & KIND) === SECOND) {
      const more = <u64>((entry >> 8) & 15)
      const place = (entry >> 16) + <u32>((held >> LITERAL_BITS) & (((<u64>1) << more) - 1))
      entry = load<u32>(literals + ((<usize>place) << 2))
    }
    held >>= <u64>(entry & 0xff)
    heldCount -= entry & 0xff
    const kind = entry & KIND
    if (kind === 0) {
      store<u8>(out++, <u8>(entry >> 16))
      continue
    }
    if (kind !== BASE) {
      result = kind === END ? leaveBlock(state) : DAMAGED
      break
    }
    const lengthExtra = <u64>((entry >> 8) & 15)
    const length = <usize>((entry >> 16) + <u32>(held & (((<u64>1) << lengthExtra) - 1)))
    held >>= lengthExtra
    heldCount -= <i32>lengthExtra

    entry = load<u32>(distances + <usize>((held & 511) << 2))
    if ((entry & KIND) === SECOND) {
      const more = <u64>((entry >> 8) & 15)
      const place = (entry >> 16) + <u32>((held >> DISTANCE_BITS) & (((<u64>1) << more) - 1))
      entry = load<u32>(distances + ((<usize>place) << 2))
    }
    if ((entry & KIND) !== BASE) {
      result = DAMAGED
      break
    }
    held >>= <u64>(entry & 0xff)
    const distanceExtra = <u64>((entry >> 8) & 15)
    const distance = <usize>((entry >> 16) + <u32>(held & (((<u64>1) << distanceExtra) - 1)))
    held >>= distanceExtra
    heldCount -= <i32>(entry & 0xff) + <i32>distanceExtra
    if (distance > out - base) {
      result = DAMAGED
      break
    }
    out = copyMatch(state, out, distance, length)
  }
  store<u32>(state, <u32>(at - <usize>(heldCount >> 3)), INPUT)
  heldCount &= 7
  store<i32>(state, heldCount, BIT_COUNT)
  store<u64>(state, held & (((<u64>1) << (<u64>heldCount)) - 1), BITS)
  store<u32>(state, <u32>out, OUTPUT)
  return result
}

/** zlib looks for the end of a block even when it has no room for more, and so finds the check sum. */
function isEndNext(literals: usize, at: usize, held: u64, heldCount: i32): bool {
  const bits = held | (load<u64>(at) << (<u64>heldCount))
  let entry = load<u32>(literals + <usize>((bits & 2047) << 2))
  if ((entry & KIND) === SECOND) {
    const more = <u64>((entry >> 8) & 15)
    const place = (entry >> 16) + <u32>((bits >> LITERAL_BITS) & (((<u64>1) << more) - 1))
    entry = load<u32>(literals + ((<usize>place) << 2))
  }
  return (entry & KIND) === END
}

/** Writes up to 15 bytes too many, which the next symbol overwrites. */
function copyMatch(state: usize, out: usize, distance: usize, length: usize): usize {
  const end = out + length
  if (distance >= 16) {
    for (let from = out - distance; out < end; out += 16, from += 16) v128.store(out, v128.load(from))
    return end
  }
  const bytes = i8x16.swizzle(v128.load(out - distance), v128.load(state + REPEATS + distance * 16))
  const step: usize = 16 - (<usize>16 % distance)
  for (; out < end; out += step) v128.store(out, bytes)
  return end
}
