import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { heldPattern } from './held-pattern.ts'

describe('heldPattern', () => {
  it.each([
    ['^[A-Z]{2}\\d+$', '(?:[A-Z]{2}\\d+)'],
    ['^a|b$', '(?:a|b)'],
    ['.+', '(?:[^"\\\\\\x00-\\x1f]+)'],
    ['[^@]', '(?:[^@"\\\\\\x00-\\x1f])'],
    ['a\\.b\\/\\-', '(?:a\\.b\\/\\-)'],
    ['(?<year>\\d{4})', '(?:(?:\\d{4}))'],
    ['\\s', '(?: )'],
    ['costs \\$', '(?:costs \\$)'],
    ['[\\w.-]+@\\u0041', '(?:[\\w.-]+@\\u0041)'],
  ])('%s is %s', (pattern, held) => {
    expect(heldPattern(pattern)).toBe(held)
  })

  it.each([
    '"',
    '\\\\',
    '\\n',
    '[ -~]',
    '["]',
    '(?=a)',
    '(?!a)',
    '\\bx',
    'a^b',
    'a$b',
    '(a)\\1',
    '\\p{L}',
    '[\\S]',
    '\\x22',
    '\n',
    '[]',
  ])('there is none for %j', (pattern) => {
    expect(heldPattern(pattern)).toBeUndefined()
  })

  it('takes only what the pattern is found in, and needs no escape', () => {
    const pattern = fc.array(fc.constantFrom('a', '.', '[^a]', '\\d', '\\s', 'b|', '+', '(c)', '\\W', '^', '$'), {
      maxLength: 6,
    })
    fc.assert(
      fc.property(pattern, fc.string({ unit: fc.constantFrom(...'ab1 "\\\n.c') }), (parts, text) => {
        const source = parts.join('')
        const held = heldPattern(source)
        if (held === undefined || !isPattern(source)) return
        if (!new RegExp(`^${held}$`, 'u').test(text)) return
        expect(text).toMatch(new RegExp(source, 'u'))
        expect(JSON.stringify(text)).toBe(`"${text}"`)
      }),
      { numRuns: 2000, seed: 5 },
    )
  })
})

function isPattern(source: string): boolean {
  try {
    return new RegExp(source, 'u') instanceof RegExp
  } catch {
    return false
  }
}
