import { AppError } from '../errors/index.ts'
import { WIRE_LIMITS } from './limits.ts'

/** One server-sent event. `event` is `message` unless the sender names it. */
export interface SseEvent {
  /** What kind of event it is. */
  readonly event: string
  /** Its lines, joined by line breaks. */
  readonly data: string
}

/** Reads server-sent events from bytes that come in any pieces. */
export interface SseParser {
  /** @returns the events that these bytes complete @throws AppError `worker.lost` for an event beyond the limit */
  push(bytes: Uint8Array): SseEvent[]
}

/** Writes one event. `data` may hold line breaks. */
export function encodeSseEvent({ event, data }: { readonly event?: string; readonly data: string }): string {
  const lines = data.split(/\r\n|\r|\n/).map((line) => `data: ${line}\n`)
  return `${event === undefined ? '' : `event: ${event}\n`}${lines.join('')}\n`
}

/**
 * Makes a parser for one stream.
 *
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html, "Interpreting an event stream"; `id` and `retry`
 * are of no use here and are passed over
 */
export function createSseParser(): SseParser {
  const decoder = new TextDecoder() // drops a leading byte order mark, as the specification asks
  let partialLine = ''
  let isAfterReturn = false
  let event = ''
  let data: string[] = []
  let held = 0

  function takeLine(line: string): SseEvent | undefined {
    if (line === '') return dispatch()
    const { field, value } = splitField(line)
    if (field === 'data') data.push(value)
    if (field === 'event') event = value
    hold(line.length)
    return undefined
  }

  function dispatch(): SseEvent | undefined {
    const complete = data.length === 0 ? undefined : { event: event === '' ? 'message' : event, data: data.join('\n') }
    event = ''
    data = []
    held = 0
    return complete
  }

  function hold(characters: number): void {
    held += characters
    if (held > WIRE_LIMITS.eventCharacters) throw new AppError('worker.lost', 'An event of the stream is too long.')
  }

  return {
    push(bytes) {
      let text = decoder.decode(bytes, { stream: true })
      if (text === '') return []
      // A line break of two characters may be cut in half; its first half has already ended the line.
      if (isAfterReturn && text.startsWith('\n')) text = text.slice(1)
      isAfterReturn = text.endsWith('\r')
      const lines = text.split(/\r\n|\r|\n/)
      lines[0] = partialLine + (lines[0] ?? '')
      partialLine = lines.pop() ?? ''
      if (held + partialLine.length > WIRE_LIMITS.eventCharacters) hold(partialLine.length)
      return lines.map(takeLine).filter((taken) => taken !== undefined)
    },
  }
}

function splitField(line: string): { field: string; value: string } {
  const colon = line.indexOf(':')
  if (colon < 0) return { field: line, value: '' }
  const value = line.slice(colon + 1)
  return { field: line.slice(0, colon), value: value.startsWith(' ') ? value.slice(1) : value }
}
