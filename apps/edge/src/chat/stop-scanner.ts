/** Looks for stop strings in text that comes in pieces. */
export interface StopScanner {
  /** @returns the text that can be shown now, and whether the answer ends with it */
  push(text: string): { readonly text: string; readonly stopped: boolean }
  /** @returns what was held back, once no more text comes */
  flush(): string
}

/**
 * Makes a scanner for one answer. What might become a stop string is held back until it is one or cannot be one; the
 * stop string itself is never shown.
 */
export function createStopScanner(stops: readonly string[]): StopScanner {
  let held = ''
  return {
    push(text) {
      held += text
      const found = firstStop(held, stops)
      const end = found ?? held.length - possibleStopLength(held, stops)
      const shown = held.slice(0, end)
      held = found === undefined ? held.slice(end) : ''
      return { text: shown, stopped: found !== undefined }
    },
    flush() {
      const rest = held
      held = ''
      return rest
    },
  }
}

function firstStop(text: string, stops: readonly string[]): number | undefined {
  const places = stops.map((stop) => text.indexOf(stop)).filter((place) => place >= 0)
  return places.length === 0 ? undefined : Math.min(...places)
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
