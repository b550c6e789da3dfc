/**
 * Compares two texts to the last character, so that the time does not tell how much of one was right. Their lengths are
 * no secret: both are digests.
 */
export function isSameText(one: string, other: string): boolean {
  let difference = one.length ^ other.length
  for (let at = 0; at < one.length; at++) difference |= one.charCodeAt(at) ^ other.charCodeAt(at)
  return difference === 0
}
