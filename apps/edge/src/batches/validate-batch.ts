import { AppError } from '@loupe/shared/errors'
import { type BatchError, readBatchLine } from '@loupe/shared/schema'
import type { FileStore } from '../files/file-store.ts'
import type { BatchState } from './batch-state.ts'
import type { LinePlace } from './line-table.ts'
import { type FileLine, readLines } from './read-lines.ts'

/** What a batch may hold. */
export interface BatchLimits {
  readonly lines: number
  /** Of one line. */
  readonly lineBytes: number
}

/** More errors than this tell nobody more. */
const MOST_ERRORS = 100
const NOTED_AT_ONCE = 500

/**
 * Looks at every line of the input of a batch, and notes where they stand.
 *
 * @param note - takes some lines; false for who is to stop
 * @returns what is wrong, by line; undefined when it was stopped
 */
export async function validateBatch(
  { tenant, request }: BatchState,
  { files, limits }: { readonly files: FileStore; readonly limits: BatchLimits },
  note: (lines: readonly LinePlace[]) => Promise<boolean>,
): Promise<BatchError[] | undefined> {
  const input = await files.read(tenant, request.input_file_id)
  if (input === undefined) return [fault(null, new AppError('file.unknown', 'The input file is gone.'))]
  const names = new Set<string>()
  const errors: BatchError[] = []
  let noted: LinePlace[] = []
  const look = (line: FileLine): void => {
    try {
      const customId = readLine(line, names, { request, limits })
      noted.push({ line: line.line, offset: line.offset, length: line.bytes?.byteLength ?? 0, customId })
    } catch (error) {
      errors.push(fault(line.line, AppError.from(error)))
    }
  }
  for await (const line of readLines(input, limits.lineBytes)) {
    if (!isBlank(line)) look(line)
    if (errors.length === MOST_ERRORS || names.size > limits.lines) break
    if (noted.length < NOTED_AT_ONCE) continue
    if (!(await note(noted))) return undefined
    noted = []
  }
  if (names.size > limits.lines) errors.push(fault(null, invalid(`Expected at most ${limits.lines} lines.`)))
  if (names.size === 0 && errors.length === 0) errors.push(fault(null, invalid('Expected at least one line.')))
  return (await note(noted)) ? errors : undefined
}

function readLine(
  { bytes }: FileLine,
  names: Set<string>,
  { request, limits }: { readonly request: BatchState['request']; readonly limits: BatchLimits },
): string {
  if (bytes === undefined) throw invalid(`Expected at most ${limits.lineBytes} bytes on a line.`)
  const { custom_id: customId } = readBatchLine(decode(bytes), request.endpoint)
  if (names.has(customId)) throw invalid('custom_id: expected one that no line before it has.', 'custom_id')
  names.add(customId)
  return customId
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw invalid('Expected a JSON object in UTF-8 on each line.')
  }
}

/** Files that were written on Windows end their lines with a carriage return; many end with an empty line. */
function isBlank({ bytes }: FileLine): boolean {
  return bytes?.every((byte) => byte === 13 || byte === 32 || byte === 9) ?? false
}

function invalid(detail: string, param?: string): AppError {
  return new AppError('request.invalid', detail, param === undefined ? {} : { param })
}

function fault(line: number | null, { code, detail, param }: AppError): BatchError {
  return { code, message: detail ?? '', param: param ?? null, line }
}
