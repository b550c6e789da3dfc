import { z } from 'zod'
import { AppError } from '../errors/index.ts'
import { issueError } from './issue-error.ts'

/** What a client may upload a file for. */
const UPLOAD_PURPOSES = ['batch', 'vision', 'user_data'] as const

/** What a client may upload a file for. */
export type UploadPurpose = (typeof UPLOAD_PURPOSES)[number]

/** What a file is for; `batch_output` is what a batch has written. */
const filePurpose = z.enum([...UPLOAD_PURPOSES, 'batch_output'])

/** What a file is for, as {@link fileObject} has it. */
export type FilePurpose = z.infer<typeof filePurpose>

/** A file, as OpenAI's clients read it. @see https://platform.openai.com/docs/api-reference/files/object */
export const fileObject = z.object({
  id: z.string(),
  object: z.literal('file'),
  bytes: z.int(),
  /** Seconds since 1970, as all times here. */
  created_at: z.int(),
  expires_at: z.int().optional(),
  filename: z.string(),
  purpose: filePurpose,
  /** Deprecated at OpenAI, and still a required field of their clients. */
  status: z.literal('processed'),
})

/** A file, as {@link fileObject} describes it. */
export type FileObject = z.infer<typeof fileObject>

const ends = { first_id: z.string().nullable(), last_id: z.string().nullable(), has_more: z.boolean() }

/** The reply of `GET /v1/files`. */
export const fileList = z.object({ object: z.literal('list'), data: z.array(fileObject), ...ends })

/** A page of files, as {@link fileList} describes it. */
export type FileList = z.infer<typeof fileList>

/** The reply of `DELETE /v1/files/{id}`. */
export const fileDeleted = z.object({ id: z.string(), object: z.literal('file'), deleted: z.literal(true) })

/** An hour to a month, as OpenAI has it. */
export const lifetimeSeconds = z.coerce.number().pipe(z.int().min(3600).max(2_592_000))

/** The fields of `POST /v1/files` beside the file, as a form has them. */
export const uploadFields = z.object({
  purpose: z.enum(UPLOAD_PURPOSES),
  'expires_after[anchor]': z.literal('created_at').optional(),
  'expires_after[seconds]': lifetimeSeconds.optional(),
})

/** What an upload says of its file. */
export interface UploadTerms {
  /** What the file is for. */
  readonly purpose: UploadPurpose
  /** How long it is kept; for ever when it is undefined. */
  readonly seconds: number | undefined
}

/** What OpenAI takes files for and nothing here does. */
const REFUSED_PURPOSES = ['assistants', 'assistants_output', 'fine-tune', 'fine-tune-results', 'evals']

/**
 * Reads the fields of an upload beside its file.
 *
 * @throws AppError `request.invalid`, `request.unsupported` for a purpose that is not offered; `param` is the field
 */
export function readUploadTerms(fields: Readonly<Record<string, string>>): UploadTerms {
  const { purpose } = fields
  if (purpose !== undefined && REFUSED_PURPOSES.includes(purpose)) {
    throw new AppError('request.unsupported', `purpose: files for "${purpose}" are not offered by this server.`, {
      param: 'purpose',
    })
  }
  const read = readWith(uploadFields, fields)
  const seconds = read['expires_after[seconds]']
  if ((seconds === undefined) !== (read['expires_after[anchor]'] === undefined)) {
    const detail = 'expires_after: expected both "anchor" and "seconds".'
    throw new AppError('request.invalid', detail, { param: 'expires_after' })
  }
  return { purpose: read.purpose, seconds }
}

/** The query of `GET /v1/files`. */
export const listFilesQuery = z.looseObject({
  limit: z.coerce.number().pipe(z.int().min(1).max(10_000)).default(10_000),
  order: z.enum(['asc', 'desc']).default('desc'),
  /** The last id of the page before. */
  after: z.string().max(128).optional(),
  purpose: filePurpose.optional(),
})

/** Which files are asked for. */
export type ListFilesQuery = z.infer<typeof listFilesQuery>

/** Reads the query of `GET /v1/files`. @throws AppError `request.invalid`; `param` is the name of the parameter */
export function readListFilesQuery(query: Readonly<Record<string, string>>): ListFilesQuery {
  return readWith(listFilesQuery, query)
}

function readWith<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value)
  if (!result.success) throw issueError(result.error)
  return result.data
}
