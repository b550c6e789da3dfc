import { globSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

/** What clients of OpenAI's API trip over when a server does otherwise. Tests name the rule that they hold. */
const RULES = {
  1: 'A stream ends with exactly `data: [DONE]`, after the usage chunk; not after an error.',
  2: 'Keep-alives are comments; no `id:`, no `retry:`, no event without data.',
  3: 'No heartbeats as JSON, and none inside of an event.',
  4: 'The field is `data:`.',
  5: 'The headers of a stream forbid buffering and are sent right after admission.',
  6: 'Null in optional fields, `tools: []` and unknown fields are tolerated; the last are named in a header.',
  7: 'The first delta has the role `assistant`, once.',
  8: '`finish_reason` is null until the end and stands there once; `tool_calls`, never `tool_call`.',
  9: '`choices` is always a list; the usage chunk has none and comes only when it was asked for.',
  10: 'Choices and calls have an index; the first delta of a call has id, type and name.',
  11: '`id`, `created` and `model` stay the same; content is null beside calls, refusal is null.',
  12: 'No character is cut in half, and stop strings are held back.',
  13: 'Log probabilities are those of the text that is shown, with bytes.',
  14: 'Every error is an object with message, type, param and code.',
  15: 'A real status before the first byte, an event with an error after it.',
  16: 'Statuses: 400 with the part at fault, 404 for a model, 413, 429, 503; too long is context_length_exceeded.',
  17: 'What must not be tried again says so; what may says when, in both headers.',
  18: 'Every reply has its request id; browsers may read the headers, and send those of the SDKs.',
  19: 'Shed load is 429.',
  20: 'Streams of responses have named events with rising numbers, and no [DONE].',
  21: 'Content is text, null or parts; pictures are objects or bare strings; data URIs as they come.',
  22: 'A picture that cannot be used is an error.',
  23: 'Usage counts the tokens of pictures and those from caches.',
  24: 'Structured output that is cut off ends with `length`; white space is bounded.',
  25: '`/v1/models` works without a body, and takes ids with slashes.',
} as const

const root = new URL('../../', import.meta.url).pathname
const files = globSync(['apps/*/src/**/*.test.ts', 'packages/*/src/**/*.test.ts', 'test/**/*.ts'], { cwd: root })
/** Numbers in names as `(rule 8)` and `(rules 7, 8, 10)`. */
const named = new Map<number, string>()
for (const file of files) {
  for (const [, numbers = ''] of readFileSync(`${root}${file}`, 'utf8').matchAll(/\(rules? ([\d, ]+)\)'/g)) {
    for (const number of numbers.split(',')) named.set(Number(number), file)
  }
}

describe('the rules of OpenAI clients', () => {
  it.each(Object.entries(RULES))('%s has a test that names it: %s', (number) => {
    expect(named.has(Number(number))).toBe(true)
  })

  it('are all that tests name', () => {
    expect([...named.keys()].filter((number) => !(number in RULES))).toEqual([])
  })
})
