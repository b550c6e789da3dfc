import { AppError } from '@loupe/shared/errors'

/** An object answers within milliseconds; one that moves to another machine within seconds. */
const MOST_MS = 5000

/**
 * Waits for a Durable Object.
 *
 * @throws AppError `ledger.unavailable` when it fails or says nothing: what it counts is not guessed
 */
export async function reachObject<T>(call: () => Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${MOST_MS} ms`)), MOST_MS)
  })
  try {
    return await Promise.race([call(), late])
  } catch (cause) {
    throw new AppError('ledger.unavailable', '', { cause })
  } finally {
    clearTimeout(timer)
  }
}
