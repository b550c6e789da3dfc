import { AppError } from '@loupe/shared/errors'

/** One line of a JSON Lines stream. */
export interface JsonLine {
  /** Counted from 1. */
  readonly line: number
  readonly value: unknown
}

/**
 * Reads JSON Lines as they arrive.
 *
 * @throws AppError `request.invalid`, naming the line, for a line that is not JSON or bytes that are not UTF-8
 */
export async function* jsonLines(stream: AsyncIterable<Uint8Array>): AsyncGenerator<JsonLine> {
  let line = 0
  for await (const text of textLines(stream)) {
    line += 1
    yield { line, value: parseJson(text, `line ${line}`) }
  }
}

/**
 * Parses a JSON text that a person or a script wrote.
 *
 * @param where - the beginning of the error's message
 * @throws AppError `request.invalid`
 */
export function parseJson(text: string, where: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new AppError('request.invalid', `${where}: expected JSON, found something else (${reason}).`, { cause })
  }
}

/** Reads a whole stream as UTF-8. @throws AppError `request.invalid` for bytes that are not UTF-8 */
export async function readText(stream: AsyncIterable<Uint8Array>): Promise<string> {
  const lines: string[] = []
  for await (const line of textLines(stream)) lines.push(line)
  return lines.join('\n')
}

/** The lines of a stream; the last needs no line end. */
async function* textLines(stream: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let rest = ''
  for await (const chunk of stream) {
    const [first = '', ...others] = decode(decoder, chunk).split('\n')
    rest += first
    for (const next of others) {
      yield rest
      rest = next
    }
  }
  rest += decode(decoder)
  if (rest !== '') yield rest
}

function decode(decoder: InstanceType<typeof TextDecoder>, chunk?: Uint8Array): string {
  try {
    return chunk === undefined ? decoder.decode() : decoder.decode(chunk, { stream: true })
  } catch (cause) {
    throw new AppError('request.invalid', 'standard input: expected UTF-8, found other bytes.', { cause })
  }
}
