import { AppError } from '@loupe/shared/errors'
import { readUploadTerms, type UploadPurpose } from '@loupe/shared/schema'
import type { ImagePreprocessor } from '../images/prepare-images.ts'
import { concatenate } from '../read-bounded.ts'
import type { FileRecord } from './file-shelf.ts'
import type { FileStore, FileWriter } from './file-store.ts'
import { type FormPart, readForm } from './multipart.ts'
import { readFile } from './read-file.ts'

/** What uploads are kept with. */
export interface KeepUploadOptions {
  readonly files: FileStore
  readonly images: ImagePreprocessor
  /** Longest file of each purpose. */
  readonly mostBytes: Readonly<Record<UploadPurpose, number>>
}

const MOST_FIELD_BYTES = 1024
const MOST_NAME_CHARACTERS = 255

/**
 * Keeps the file of an upload. Its bytes are stored as they come, and taken back when what comes behind them is wrong.
 *
 * @throws AppError `request.invalid`, `request.unsupported`, `request.too_large`, `file.quota`, and for a picture an
 * `image.*` fault
 */
export async function keepUpload(request: Request, tenant: string, options: KeepUploadOptions): Promise<FileRecord> {
  const fields: Record<string, string> = {}
  let upload: { readonly writer: FileWriter; readonly filename: string } | undefined
  try {
    for await (const part of readForm(request)) {
      if (part.name !== 'file') fields[part.name] = await readField(part)
      else if (upload !== undefined) throw invalid('expected one file, found another')
      else {
        upload = { writer: await options.files.write(tenant), filename: part.filename ?? 'file' }
        await copy(part, upload.writer, mostBytes(fields, options))
      }
    }
    const terms = readUploadTerms(fields)
    if (upload === undefined) throw invalid('expected a part with this name, found none')
    const { writer, filename } = upload
    checkLength(writer.bytes, options.mostBytes[terms.purpose])
    await writer.finish()
    if (terms.purpose === 'vision') await checkPicture(tenant, writer, options)
    const lifetimeMs = terms.seconds === undefined ? undefined : terms.seconds * 1000
    const named = filename.slice(0, MOST_NAME_CHARACTERS)
    const file = await writer.keep({ filename: named, purpose: terms.purpose, lifetimeMs })
    if (file === undefined) throw new AppError('file.quota', 'Delete files that are not needed any more.')
    return file
  } catch (error) {
    await upload?.writer.abort()
    throw error
  }
}

/** The purpose may stand behind the file: then the longest of all is let in first. */
function mostBytes({ purpose }: Readonly<Record<string, string>>, { mostBytes: most }: KeepUploadOptions): number {
  const named = Object.entries(most).find(([name]) => name === purpose)
  return named?.[1] ?? Math.max(...Object.values(most))
}

async function copy({ content }: FormPart, writer: FileWriter, most: number): Promise<void> {
  for (;;) {
    const { done, value } = await content.next()
    if (done) return
    checkLength(writer.bytes + value.byteLength, most)
    await writer.add(value)
  }
}

async function readField({ name, content }: FormPart): Promise<string> {
  const chunks: Uint8Array[] = []
  let length = 0
  for (;;) {
    const { done, value } = await content.next()
    if (done) return new TextDecoder().decode(concatenate(chunks))
    length += value.byteLength
    if (length > MOST_FIELD_BYTES) {
      const param = name.slice(0, 64)
      throw new AppError('request.invalid', `${param}: expected at most ${MOST_FIELD_BYTES} bytes.`, { param })
    }
    chunks.push(value)
  }
}

async function checkPicture(tenant: string, { id, bytes }: FileWriter, options: KeepUploadOptions): Promise<void> {
  if (bytes === 0) throw new AppError('image.empty', 'The file holds no bytes.', { param: 'file' })
  try {
    options.images.measure(await readFile(options.files, tenant, id), { panAndScan: false })
  } catch (error) {
    throw AppError.isInstance(error) ? error.at('file') : error
  }
}

function checkLength(bytes: number, most: number): void {
  if (bytes > most)
    throw new AppError('request.too_large', `Expected a file of at most ${most} bytes.`, { param: 'file' })
}

function invalid(fault: string): AppError {
  return new AppError('request.invalid', `file: ${fault}.`, { param: 'file' })
}
