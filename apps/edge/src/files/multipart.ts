import { AppError } from '@loupe/shared/errors'
import { ByteReader } from './byte-reader.ts'

/** One part of a form. Its content has to be read before the next part is asked for. */
export interface FormPart {
  readonly name: string
  /** Undefined for a field. */
  readonly filename: string | undefined
  readonly content: AsyncGenerator<Uint8Array, boolean>
}

const encoder = new TextEncoder()
const HEADER_END = encoder.encode('\r\n\r\n')
const MOST_HEADER_BYTES = 8192
const MOST_PARTS = 32
/** What a refused client may still send before the connection is left. */
const LINGER_BYTES = 64 * 1024 * 1024

/**
 * The parts of a form, as they come in.
 *
 * @throws AppError `request.invalid` for what is no form
 * @see RFC 7578; RFC 2046, 5.1.1
 */
export async function* readForm(request: Request): AsyncGenerator<FormPart, void> {
  const boundary = readBoundary(request.headers.get('content-type') ?? '')
  if (request.body === null) throw invalid('an empty body')
  // The first boundary has no line in front of it.
  const reader = new ByteReader(request.body, encoder.encode('\r\n'))
  const mark = encoder.encode(`\r\n--${boundary}`)
  try {
    await expectMark(reader.upTo(mark))
    for (let count = 0; !(await isEnd(reader)); count++) {
      if (count === MOST_PARTS) throw invalid(`more than ${MOST_PARTS} parts`)
      const content = reader.upTo(mark)
      yield { ...readHeaders(await readHeaderText(reader)), content }
      await expectMark(content)
    }
  } catch (error) {
    if (AppError.isInstance(error)) await reader.drain(LINGER_BYTES)
    throw AppError.isInstance(error) ? error : new AppError('request.cancelled', '', { cause: error })
  }
}

/** Passes over what is left of a part. */
async function expectMark(content: AsyncGenerator<Uint8Array, boolean>): Promise<void> {
  for (;;) {
    const { done, value } = await content.next()
    if (!done) continue
    if (value === false) throw invalid('a part without an end')
    return
  }
}

async function isEnd(reader: ByteReader): Promise<boolean> {
  const text = new TextDecoder('latin1').decode(await reader.take(2))
  if (text !== '--' && text !== '\r\n') throw invalid('something behind a boundary')
  return text === '--'
}

async function readHeaderText(reader: ByteReader): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  for await (const chunk of reader.upTo(HEADER_END)) {
    text += decoder.decode(chunk, { stream: true })
    if (text.length > MOST_HEADER_BYTES) throw invalid('a part with a long header')
  }
  return text
}

function readHeaders(text: string): Pick<FormPart, 'name' | 'filename'> {
  const line = text.split('\r\n').find((each) => /^content-disposition:/i.test(each)) ?? ''
  const name = parameterOf(line, 'name')
  if (name === undefined) throw invalid('a part without a name')
  return { name, filename: parameterOf(line, 'filename') }
}

/** Browsers and clients escape quotes in names as `%22`, some with a backslash. */
function parameterOf(line: string, parameter: string): string | undefined {
  const found = new RegExp(`;\\s*${parameter}=(?:"((?:[^"\\\\]|\\\\.)*)"|([^;\\s]+))`, 'i').exec(line)
  return (found?.[1] ?? found?.[2])?.replaceAll(/\\(["\\])/g, '$1').replaceAll('%22', '"')
}

function readBoundary(type: string): string {
  const found = /^multipart\/form-data\b.*;\s*boundary=(?:"([^"]{1,70})"|([^\s;,"]{1,70}))/i.exec(type)
  const boundary = found?.[1] ?? found?.[2]
  if (boundary === undefined) throw invalid(type === '' ? 'no content type' : `"${type.slice(0, 64)}"`)
  return boundary
}

function invalid(found: string): AppError {
  return new AppError('request.invalid', `Expected a multipart/form-data body, found ${found}.`)
}
