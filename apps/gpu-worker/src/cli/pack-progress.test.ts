import { describe, expect, it } from 'vitest'
import { packProgress } from './pack-progress.ts'

/** What is written for a part of 4 MiB of which a quarter is done each second. */
function written(isTTY: boolean, steps: readonly ('read' | 'pack')[] = ['pack']): string {
  let text = ''
  let nowMs = 0
  const stderr = { isTTY, write: (more: string) => (text += more) }
  const onProgress = packProgress(stderr, () => nowMs)
  for (const step of steps) {
    for (let doneBytes = 2 ** 20; doneBytes <= 2 ** 22; doneBytes += 2 ** 20, nowMs += 1000) {
      onProgress({ part: 'language', step, doneBytes, totalBytes: 2 ** 22 })
    }
  }
  return text
}

describe('packProgress', () => {
  it('updates one line on a terminal', () => {
    const line = (share: number) => `\rpacking the language weights: ${share}% of 4 MiB`
    expect(written(true)).toBe(`${line(25)}${line(50)}${line(75)}${line(100)}\n`)
  })

  it('writes few lines elsewhere, the first and the last of each step', () => {
    const lines = (doing: string) =>
      `${doing} the language weights: 25% of 4 MiB\n${doing} the language weights: 100% of 4 MiB\n`
    expect(written(false, ['read', 'pack'])).toBe(lines('reading') + lines('packing'))
  })
})
