/** Looks for stop strings in text that comes in pieces. */
export interface StopScanner {
  /** @returns the text that can be shown now, whether the answer ends with it, and which stop string has ended it */
  push(text: string): { readonly text: string; readonly stopped: boolean; readonly stop: string | undefined }
  /** @returns what was held back, once no more text comes */
  flush(): string
}

/**
 * Makes a scanner for one answer. What might become a stop string is held back until it is one or cannot be one; the
 * stop string itself is shown only where that was asked for.
 */
export function createStopScanner(stops: readonly string[], showsStop = false): StopScanner {
  let held = ''
  return {
    push(text) {
      held += text
      const found = firstStop(held, stops)
      const end = (showsStop ? found?.end : found?.start) ?? held.length - possibleStopLength(held, stops)
      const shown = held.slice(0, end)
      held = found === undefined ? held.slice(end) : ''
      return { text: shown, stopped: found !== undefined, stop: found?.stop }
    },
    flush() {
      const rest = held
      held = ''
      return rest
    },
  }
}

/** The first stop string, where it begins and ends; of those that begin there, the shortest. */
function firstStop(
  text: string,
  stops: readonly string[],
): { readonly stop: string; readonly start: number; readonly end: number } | undefined {
  const found = stops.flatMap((stop) => {
    const start = text.indexOf(stop)
    return start < 0 ? [] : [{ stop, start, end: start + stop.length }]
  })
  return found.sort((a, b) => a.start - b.start || a.end - b.end)[0]
}

/** Length of the longest end of the text that a stop string begins with. */
function possibleStopLength(text: string, stops: readonly string[]): number {
  const lengths = stops.map((stop) => {
    for (let length = Math.min(stop.length - 1, text.length); length > 0; length--) {
      if (stop.startsWith(text.slice(text.length - length))) return length
    }
    return 0
  })
  return Math.max(0, ...lengths)
}
