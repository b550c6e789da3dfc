import { AppError, type ErrorCode } from '@loupe/shared/errors'
import { expect } from 'vitest'

/** Expects work to fail with a code of the catalog, and a message that says `detail`. */
export async function expectError(work: () => unknown, code: ErrorCode, detail: RegExp): Promise<void> {
  const error = await (async () => work())().then(
    () => expect.fail(`expected ${code}, nothing was thrown`),
    (thrown: unknown) => thrown,
  )
  if (!AppError.isInstance(error)) throw error
  expect(error.code).toBe(code)
  expect(error.message).toMatch(detail)
}
