import { describe, expect, test } from 'vitest'
import { pythonStrip } from './strip.ts'

describe('pythonStrip', () => {
  test('removes whitespace from both ends only', () => {
    expect(pythonStrip(' \n\ta \n b\u3000\u00a0')).toBe('a \n b')
    expect(pythonStrip(' \n ')).toBe('')
    expect(pythonStrip('')).toBe('')
  })

  test('differs from trim where Python does', () => {
    expect(pythonStrip('\u001c\u001fa\u0085')).toBe('a')
    expect(pythonStrip('\ufeffa')).toBe('\ufeffa')
    expect(pythonStrip('\u200ba')).toBe('\u200ba')
  })
})
