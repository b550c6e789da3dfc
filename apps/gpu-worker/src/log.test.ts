import { describe, expect, it } from 'vitest'
import { jsonLog } from './log.ts'

describe('jsonLog', () => {
  it('writes one JSON object a line, causes included', () => {
    const lines: string[] = []
    const log = jsonLog(
      (line) => lines.push(line),
      () => new Date(0),
    )
    log('error', 'request', { status: 500, cause: new Error('outer', { cause: new Error('inner') }) })
    expect(lines).toHaveLength(1)
    expect(lines[0]?.endsWith('}\n')).toBe(true)
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      time: '1970-01-01T00:00:00.000Z',
      level: 'error',
      event: 'request',
      status: 500,
      cause: { message: 'outer', cause: { message: 'inner' } },
    })
  })

  it('writes what has no end, and what JSON does not know', () => {
    const lines: string[] = []
    const log = jsonLog((line) => lines.push(line))
    const knot = new Error('a fault that is its own cause')
    knot.cause = knot
    const socket: Record<string, unknown> = { size: 5n }
    socket['self'] = socket
    log('error', 'request', { knot, other: new Error('other', { cause: socket }), size: 5n })
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      knot: { message: knot.message, cause: knot.message },
      other: { cause: expect.stringContaining('size: 5n') },
      size: '5',
    })
  })
})
