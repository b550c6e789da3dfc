import { describe, expect, it } from 'vitest'
import { createStopScanner } from './stop-scanner.ts'

/** What is shown of a text that comes in these pieces. */
function shown(pieces: readonly string[], stops: readonly string[]): { text: string; stopped: boolean } {
  const scanner = createStopScanner(stops)
  let text = ''
  for (const piece of pieces) {
    const step = scanner.push(piece)
    text += step.text
    if (step.stopped) return { text, stopped: true }
  }
  return { text: text + scanner.flush(), stopped: false }
}

describe('createStopScanner', () => {
  it('shows text at once when nothing can become a stop string', () => {
    const scanner = createStopScanner(['END'])
    expect(scanner.push('a red ')).toEqual({ text: 'a red ', stopped: false })
  })

  it('holds back what may become a stop string, and shows it when it does not (rule 12)', () => {
    const scanner = createStopScanner(['END'])
    expect(scanner.push('the E')).toEqual({ text: 'the ', stopped: false })
    expect(scanner.push('N')).toEqual({ text: '', stopped: false })
    expect(scanner.push('glish')).toEqual({ text: 'ENglish', stopped: false })
    expect(scanner.push(' E')).toEqual({ text: ' ', stopped: false })
    expect(scanner.flush()).toBe('E')
    expect(scanner.flush()).toBe('')
  })

  it.each([
    [['one. two.'], ['.'], 'one'],
    [['a\n', '\nb'], ['\n\n'], 'a'],
    [['xaab'], ['aab', 'ab'], 'x'], // the one that begins first wins, not the one that is listed first
    [['aaab'], ['aab'], 'a'], // a failed start inside another one
    [['STOP now'], ['STOP'], ''],
  ])('ends %j before the first of %j', (pieces, stops, text) => {
    expect(shown(pieces, stops)).toEqual({ text, stopped: true })
  })

  it('shows the same however the text is cut', () => {
    const text = 'abababcabcabd and the rest'
    for (const stops of [['abcabd'], ['abd', 'the'], ['rest'], ['nowhere'], []]) {
      const whole = shown([text], stops)
      for (let cut = 1; cut < text.length; cut++) {
        expect(shown([text.slice(0, cut), text.slice(cut)], stops)).toEqual(whole)
      }
      expect(shown([...text], stops)).toEqual(whole)
    }
  })
})
