/** How much an entry matters. */
type LogLevel = 'info' | 'error'

/** Writes one entry. Fields hold sizes, times and codes: no prompt, no picture, no key. */
export type Log = (level: LogLevel, event: string, fields: Readonly<Record<string, unknown>>) => void

/** A log of one JSON object a line. */
export function jsonLog(write: (line: string) => unknown, now: () => Date = () => new Date()): Log {
  return (level, event, fields) => {
    const entry = { time: now().toISOString(), level, event, ...fields }
    write(`${JSON.stringify(entry, (_, value) => (value instanceof Error ? describe(value) : value))}\n`)
  }
}

function describe(error: Error): object {
  return { message: error.message, stack: error.stack, ...(error.cause === undefined ? {} : { cause: error.cause }) }
}
