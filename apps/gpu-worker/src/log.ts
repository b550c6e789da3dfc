import { inspect } from 'node:util'

/** How much an entry matters. */
type LogLevel = 'info' | 'warn' | 'error'

/** Writes one entry. Fields hold sizes, times and codes: no prompt, no picture, no key. */
export type Log = (level: LogLevel, event: string, fields: Readonly<Record<string, unknown>>) => void

/** A log of one JSON object a line. Never throws: what a fault drags along may be of any kind. */
export function jsonLog(write: (line: string) => unknown, now: () => Date = () => new Date()): Log {
  return (level, event, fields) => {
    const entry = { time: now().toISOString(), level, event, ...fields }
    write(`${JSON.stringify(entry, errorReplacer())}\n`)
  }
}

/** Writes errors with their causes, each error once: a chain of causes may lead back into itself. */
function errorReplacer(): (key: string, value: unknown) => unknown {
  const written = new Set<Error>()
  return (_, value) => {
    if (typeof value === 'bigint') return String(value)
    if (!(value instanceof Error)) return value
    if (written.has(value)) return value.message
    written.add(value)
    const { message, stack, cause } = value
    return { message, stack, cause: cause === undefined || cause instanceof Error ? cause : inspect(cause) }
  }
}
