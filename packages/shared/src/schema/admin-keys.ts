import { z } from 'zod'
import { AppError } from '../errors/index.ts'
import { API_SCOPES, keyLimits, scopeList } from './api-key.ts'
import { issueError } from './issue-error.ts'

const name = z.string().trim().min(1).max(100)
/** A few characters that read well in a log and in a path. */
const owner = z.string().regex(/^[\w.@-]{1,64}$/, 'expected 1 to 64 letters, digits, or any of ". _ @ -"')

/** The body of `POST /admin/keys`. It is strict: a limit with a typing error would be no limit. */
export const createKeyRequest = z.strictObject({
  name,
  owner,
  /** All but `admin` when they are left out. */
  scopes: scopeList.default(() => API_SCOPES.filter((scope) => scope !== 'admin')),
  /** Seconds since 1970; a key without it does not expire. */
  expires_at: z.int().min(1).max(32_503_680_000).nullish(),
  limits: keyLimits.default({}),
})

/** What a new key is to be, as {@link createKeyRequest} describes it. */
export type CreateKeyRequest = z.infer<typeof createKeyRequest>

/** The query of `GET /admin/keys`. */
export const listKeysQuery = z.strictObject({
  limit: z.coerce.number().pipe(z.int().min(1).max(100)).default(20),
  /** The last id of the page before. */
  after: z.string().max(64).optional(),
  owner: owner.optional(),
})

/** Which keys are asked for, as {@link listKeysQuery} describes it. */
export type ListKeysQuery = z.infer<typeof listKeysQuery>

/** Reads the body of `POST /admin/keys`. @throws AppError `request.invalid`; `param` is the path of the fault */
export function readCreateKeyRequest(body: unknown): CreateKeyRequest {
  return readWith(createKeyRequest, body)
}

/** Reads the query of `GET /admin/keys`. @throws AppError `request.invalid`; `param` is the name of the parameter */
export function readListKeysQuery(query: Readonly<Record<string, string>>): ListKeysQuery {
  return readWith(listKeysQuery, query)
}

function readWith<T>(schema: z.ZodType<T>, value: unknown): T {
  if (typeof value !== 'object' || value === null) {
    throw new AppError('request.invalid', 'Expected a JSON object as the body.')
  }
  const result = schema.safeParse(value)
  if (!result.success) throw issueError(result.error)
  return result.data
}
