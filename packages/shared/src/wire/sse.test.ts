import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AppError } from '../errors/index.ts'
import { createSseParser, encodeSseEvent, type SseEvent } from './sse.ts'

const utf8 = (text: string) => new TextEncoder().encode(text)

function parse(bytes: Uint8Array, cuts: readonly number[] = []): SseEvent[] {
  const parser = createSseParser()
  const at = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]
  return at.slice(1).flatMap((end, index) => parser.push(bytes.subarray(at[index], end)))
}

const TABLE: readonly { name: string; text: string; events: readonly SseEvent[] }[] = [
  { name: 'one event', text: 'data: a\n\n', events: [{ event: 'message', data: 'a' }] },
  { name: 'a named event', text: 'event: error\ndata: {}\n\n', events: [{ event: 'error', data: '{}' }] },
  { name: 'several data lines', text: 'data: a\ndata:b\ndata\n\n', events: [{ event: 'message', data: 'a\nb\n' }] },
  {
    name: 'CR LF and CR',
    text: 'data: a\r\n\r\ndata: b\r\r',
    events: ['a', 'b'].map((data) => ({ event: 'message', data })),
  },
  { name: 'comments', text: ': ping\n\ndata: a\n: x\n\n', events: [{ event: 'message', data: 'a' }] },
  { name: 'a byte order mark', text: '\ufeffdata: a\n\n', events: [{ event: 'message', data: 'a' }] },
  { name: 'a name without data', text: 'event: error\n\ndata: a\n\n', events: [{ event: 'message', data: 'a' }] },
  { name: 'an event that is not finished', text: 'data: a\n', events: [] },
  { name: 'only one leading space is dropped', text: 'data:  a\n\n', events: [{ event: 'message', data: ' a' }] },
]

describe('createSseParser', () => {
  it.each(TABLE)('reads $name', ({ text, events }) => {
    expect(parse(utf8(text))).toEqual(events)
  })

  it.each(TABLE)('reads $name byte by byte', ({ text, events }) => {
    const bytes = utf8(text)
    expect(parse(bytes, [...bytes.keys()])).toEqual(events)
  })

  it('reads the same events from any split of any stream', () => {
    const line = fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.constantFrom('', 'data: é😀', 'data', 'event: error', ': ping', 'id: 7'),
    )
    const stream = fc
      .array(fc.tuple(line, fc.constantFrom('\n', '\r', '\r\n', '\n\n')), { size: 'max', maxLength: 60 })
      .map((parts) => utf8(parts.flat().join('')))
    fc.assert(
      fc.property(stream, fc.array(fc.nat(), { maxLength: 40 }), (bytes, cuts) => {
        expect(parse(bytes, cuts)).toEqual(parse(bytes))
      }),
    )
  })

  it('never throws anything but an AppError, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ size: 'max', maxLength: 4096 }), (bytes) => {
        expect(Array.isArray(parse(bytes))).toBe(true)
      }),
    )
  })

  it.each(['data: ', 'data: x\n'])('refuses an event that grows without end: %j', (piece) => {
    const parser = createSseParser()
    const bytes = utf8(piece + (piece.endsWith('\n') ? '' : 'x'.repeat(1000)))
    const flood = () => {
      for (let n = 0; n < 300_000; n++) parser.push(bytes)
    }
    expect(flood).toThrow(AppError)
  })
})

describe('encodeSseEvent', () => {
  it('gives back what was written, line breaks included', () => {
    const data = fc.string({ unit: 'grapheme' }).map((text) => text.replaceAll('\r', '\n'))
    fc.assert(
      fc.property(data, (text) => {
        expect(parse(utf8(encodeSseEvent({ event: 'x', data: text })))).toEqual([{ event: 'x', data: text }])
      }),
    )
  })
})
