import { describe, expect, it } from 'vitest'
import { type FileLine, readLines } from './read-lines.ts'

function streamOf(pieces: readonly Uint8Array<ArrayBuffer>[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const piece of pieces) controller.enqueue(piece)
      controller.close()
    },
  })
}

async function linesOf(text: string, pieceBytes: number, mostBytes = 100) {
  const bytes = new TextEncoder().encode(text)
  const pieces = Array.from({ length: Math.ceil(bytes.length / pieceBytes) }, (_, at) => {
    return bytes.subarray(at * pieceBytes, (at + 1) * pieceBytes)
  })
  const lines: FileLine[] = []
  for await (const line of readLines(streamOf(pieces), mostBytes)) lines.push(line)
  return lines.map(({ bytes: found, ...rest }) => ({ ...rest, text: found && new TextDecoder().decode(found) }))
}

describe('readLines', () => {
  it.each([1, 2, 3, 100])('is the same in pieces of %i bytes', async (pieceBytes) => {
    expect(await linesOf('ab\n\nçd\ne', pieceBytes)).toEqual([
      { line: 1, offset: 0, text: 'ab' },
      { line: 2, offset: 3, text: '' },
      { line: 3, offset: 4, text: 'çd' },
      { line: 4, offset: 8, text: 'e' },
    ])
  })

  it('passes over a line that is too long, and finds the next one', async () => {
    expect(await linesOf('abcdef\nab\n', 2, 5)).toEqual([
      { line: 1, offset: 0, text: undefined },
      { line: 2, offset: 7, text: 'ab' },
    ])
  })
})
