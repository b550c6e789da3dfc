import type { ErrorCode } from '@loupe/shared/errors'
import type { Operation } from './operation.ts'

/** Faults of a body of JSON. */
export const BODY_ERRORS = ['request.invalid', 'request.unsupported', 'request.too_large'] as const

/** Faults of whatever asks the worker for its models. */
export const MODEL_ERRORS = ['model.unknown', 'worker.unavailable', 'worker.lost', 'worker.timeout'] as const

/** Faults of pictures. */
export const IMAGE_ERRORS = [
  'image.empty',
  'image.malformed',
  'image.unsupported',
  'image.too_large',
  'image.unreachable',
  'image.forbidden_url',
  'resolver.unavailable',
  'file.unknown',
] as const

/** Faults of a conversation that is read and not answered. */
export const PROMPT_ERRORS = [
  ...BODY_ERRORS,
  ...MODEL_ERRORS,
  ...IMAGE_ERRORS,
  'prompt.invalid',
  'prompt.too_long',
  'grammar.invalid',
] as const

/** Faults of whatever is answered. */
export const ANSWER_ERRORS = [
  ...PROMPT_ERRORS,
  'prompt.invalid_token',
  'grammar.too_complex',
  'tokenizer.mismatch',
  'quota.exceeded',
  'queue.full',
  'runtime.failed',
] as const

const KEYED = ['auth.missing', 'auth.invalid', 'auth.forbidden', 'rate.limited', 'ledger.unavailable'] as const
const IDEMPOTENT = [
  'request.invalid',
  'request.too_large',
  'idempotency.mismatch',
  'idempotency.running',
  'idempotency.not_kept',
] as const

/** All faults of an operation, each once. */
export function errorsOf({ key, method, errors }: Operation): ErrorCode[] {
  const repeated = takesIdempotencyKey({ key, method }) ? IDEMPOTENT : []
  return [...new Set<ErrorCode>([...errors, ...(key === 'none' ? [] : KEYED), ...repeated, 'internal'])]
}

/** Whether the same request may be sent again under the same Idempotency-Key. */
export function takesIdempotencyKey({ key, method }: Pick<Operation, 'key' | 'method'>): boolean {
  return key === 'api' && method === 'post'
}
