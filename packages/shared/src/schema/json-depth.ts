/**
 * Whether a value of JSON has more levels than that. Text of any depth can be read, but to write it again takes a call for
 * each level, and a body of a few hundred kilobytes has more levels than there are calls.
 */
export function isDeeperThan(levels: number, value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  return levels === 0 || Object.values(value).some((inner) => isDeeperThan(levels - 1, inner))
}
