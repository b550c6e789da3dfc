import { z } from 'zod'
import { AppError } from '../errors/index.ts'
import { lifetimeSeconds } from './files.ts'
import { issueError } from './issue-error.ts'
import { isDeeperThan } from './json-depth.ts'

/** Where the lines of a batch may go. */
const BATCH_ENDPOINTS = ['/v1/chat/completions', '/v1/responses', '/v1/completions', '/v1/embeddings'] as const

const endpoint = z.enum(BATCH_ENDPOINTS)

/** Where the lines of a batch go. */
export type BatchEndpoint = z.infer<typeof endpoint>

const batchStatus = z.enum([
  'validating',
  'failed',
  'in_progress',
  'finalizing',
  'completed',
  'expired',
  'cancelling',
  'cancelled',
])

/** How far a batch is. */
export type BatchStatus = z.infer<typeof batchStatus>

const batchError = z.object({
  code: z.string(),
  message: z.string(),
  param: z.string().nullable(),
  /** From 1. */
  line: z.int().nullable(),
})

/** A fault that a batch was refused for. */
export type BatchError = z.infer<typeof batchError>

const time = z.int().nullable()
const metadata = z.record(z.string().max(64), z.string().max(512)).refine((pairs) => Object.keys(pairs).length <= 16, {
  message: 'expected at most 16 pairs',
})

/** A batch, as OpenAI's clients read it. Times are seconds since 1970. @see https://platform.openai.com/docs/api-reference/batch/object */
export const batchObject = z.object({
  id: z.string(),
  object: z.literal('batch'),
  endpoint,
  errors: z.object({ object: z.literal('list'), data: z.array(batchError) }).nullable(),
  input_file_id: z.string(),
  completion_window: z.literal('24h'),
  status: batchStatus,
  output_file_id: z.string().nullable(),
  error_file_id: z.string().nullable(),
  created_at: z.int(),
  in_progress_at: time,
  expires_at: time,
  finalizing_at: time,
  completed_at: time,
  failed_at: time,
  expired_at: time,
  cancelling_at: time,
  cancelled_at: time,
  request_counts: z.object({ total: z.int(), completed: z.int(), failed: z.int() }),
  metadata: metadata.nullable(),
})

/** A batch, as {@link batchObject} describes it. */
export type BatchObject = z.infer<typeof batchObject>

/** The reply of `GET /v1/batches`. */
export const batchList = z.object({
  object: z.literal('list'),
  data: z.array(batchObject),
  first_id: z.string().nullable(),
  last_id: z.string().nullable(),
  has_more: z.boolean(),
})

/** A page of batches, as {@link batchList} describes it. */
export type BatchList = z.infer<typeof batchList>

/** The body of `POST /v1/batches`. */
export const createBatchRequest = z.strictObject({
  input_file_id: z.string().min(1).max(128),
  endpoint,
  /** The one window that OpenAI has. */
  completion_window: z.literal('24h'),
  metadata: metadata.nullish(),
  output_expires_after: z.object({ anchor: z.literal('created_at'), seconds: lifetimeSeconds }).nullish(),
})

/** What a new batch is to be, as {@link createBatchRequest} describes it. */
export type CreateBatchRequest = z.infer<typeof createBatchRequest>

/** Reads the body of `POST /v1/batches`. @throws AppError `request.invalid`; `param` is the path of the fault */
export function readCreateBatchRequest(body: unknown): CreateBatchRequest {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new AppError('request.invalid', 'Expected a JSON object as the body.')
  }
  return readWith(createBatchRequest, body)
}

/** The query of `GET /v1/batches`. */
export const listBatchesQuery = z.looseObject({
  limit: z.coerce.number().pipe(z.int().min(1).max(100)).default(20),
  /** The last id of the page before. */
  after: z.string().max(128).optional(),
})

/** Which batches are asked for. */
export type ListBatchesQuery = z.infer<typeof listBatchesQuery>

/** Reads the query of `GET /v1/batches`. @throws AppError `request.invalid`; `param` is the name of the parameter */
export function readListBatchesQuery(query: Readonly<Record<string, string>>): ListBatchesQuery {
  return readWith(listBatchesQuery, query)
}

/** More than any schema has that an answer can be held to. */
const MOST_LEVELS = 512

const batchLine = z.looseObject({
  custom_id: z.string().min(1).max(512),
  method: z.literal('POST'),
  url: z.string().max(256),
  body: z.looseObject({ stream: z.literal(false, 'a batch is not streamed').nullish() }),
})

/** One request of a batch. */
export type BatchLine = z.infer<typeof batchLine>

/**
 * Reads one line of the input file of a batch.
 *
 * @param text - the line without its end
 * @param expected - where the batch goes
 * @throws AppError `request.invalid`; `param` is the path in the line
 */
export function readBatchLine(text: string, expected: BatchEndpoint): BatchLine {
  const line = readWith(batchLine, parseJson(text))
  if (isDeeperThan(MOST_LEVELS, line.body)) {
    throw new AppError('request.invalid', `body: expected at most ${MOST_LEVELS} levels.`, { param: 'body' })
  }
  if (line.url === expected) return line
  const detail = `url: expected "${expected}" as the batch has it, found ${JSON.stringify(line.url.slice(0, 64))}.`
  throw new AppError('request.invalid', detail, { param: 'url' })
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new AppError('request.invalid', 'Expected a JSON object in UTF-8 on each line.')
  }
}

function readWith<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value)
  if (!result.success) throw issueError(result.error)
  return result.data
}
