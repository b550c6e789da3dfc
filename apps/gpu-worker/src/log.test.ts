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
})
