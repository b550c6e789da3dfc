/** What was used within one second. */
export interface SecondUse {
  requests: number
  tokens: number
}

/** Use by the second, seconds since 1970, the oldest first. */
export type RateWindow = Map<number, SecondUse>

/** Which of the two is limited. */
export type Metered = keyof SecondUse

/**
 * A second counts until 61 s after its beginning: what was used at its very end is then 60 s old. So no 60 seconds ever
 * hold more than the limit, wherever they begin; a window costs at most 61 entries, however much is used.
 */
const COUNTS_FOR_MS = 61_000

/** Takes out the seconds that count no more. */
export function prune(window: RateWindow, nowMs: number): void {
  for (const second of window.keys()) {
    if (freeAtMs(second) <= nowMs) window.delete(second)
  }
}

/** The second that `nowMs` is in, with room for what is used now. */
export function secondAt(window: RateWindow, nowMs: number): { readonly second: number; readonly use: SecondUse } {
  const second = Math.floor(nowMs / 1000)
  const use = window.get(second) ?? { requests: 0, tokens: 0 }
  window.set(second, use)
  return { second, use }
}

/** What counts now. */
export function used(window: RateWindow, metered: Metered): number {
  let sum = 0
  for (const use of window.values()) sum += use[metered]
  return sum
}

/** Milliseconds until the window is as if nothing had been used. */
export function resetMs(window: RateWindow, metered: Metered, nowMs: number): number {
  const seconds = [...window].filter(([, use]) => use[metered] > 0).map(([second]) => second)
  return seconds.length === 0 ? 0 : freeAtMs(Math.max(...seconds)) - nowMs
}

/**
 * Milliseconds until `wanted` more fits the limit, if nothing else is used until then; infinite when it never does.
 *
 * @param limit - in any 60 seconds
 */
export function waitMs(
  window: RateWindow,
  { metered, limit, wanted }: { readonly metered: Metered; readonly limit: number; readonly wanted: number },
  nowMs: number,
): number {
  if (wanted > limit) return Number.POSITIVE_INFINITY
  let excess = used(window, metered) + wanted - limit
  if (excess <= 0) return 0
  for (const [second, use] of [...window].sort(([one], [other]) => one - other)) {
    excess -= use[metered]
    if (excess <= 0) return freeAtMs(second) - nowMs
  }
  return Number.POSITIVE_INFINITY
}

function freeAtMs(second: number): number {
  return second * 1000 + COUNTS_FOR_MS
}
