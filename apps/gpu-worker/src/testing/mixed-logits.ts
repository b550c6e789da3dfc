/** Sizes of what {@link mixedLogits} writes. */
export interface MixedVocabulary {
  readonly size: number
  /** How likely the answer ends, as one in so many. */
  readonly endsOneIn: number
  readonly endId: number
}

/**
 * Logits that depend on every token before them, in their order, and on nothing else: a wrong token in a cache shows as
 * another answer.
 */
export function mixedLogits(tokens: readonly number[], { size, endId, endsOneIn }: MixedVocabulary): Float32Array {
  let state = 0x9e3779b9
  for (const token of tokens) state = mix(state ^ Math.imul(token + 1, 0x85ebca6b))
  const ends = mix(state ^ 0x27d4eb2f) % endsOneIn === 0
  return Float32Array.from({ length: size }, (_, id) => {
    if (id === endId) return ends ? 20 : -20
    return (mix(state + Math.imul(id, 0xc2b2ae35)) % 4096) / 1024
  })
}

/** The last steps of MurmurHash3. @returns unsigned 32 bits */
function mix(value: number): number {
  let mixed = Math.imul(value ^ (value >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return (mixed ^ (mixed >>> 16)) >>> 0
}
