import { AppError } from '@loupe/shared/errors'

/** @throws AppError `request.cancelled` if the signal has aborted */
export function throwIfCancelled(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw cancelled(signal)
}

/**
 * Does `work`, and calls `stop` once if the signal aborts meanwhile. Work that fails after that was cancelled; work that
 * succeeds all the same keeps its result.
 *
 * @throws AppError `request.cancelled`
 */
export async function cancellable<T>(
  signal: AbortSignal | undefined,
  stop: () => void,
  work: () => Promise<T>,
): Promise<T> {
  throwIfCancelled(signal)
  signal?.addEventListener('abort', stop, { once: true })
  try {
    return await work()
  } catch (error) {
    throw signal?.aborted ? cancelled(signal) : error
  } finally {
    signal?.removeEventListener('abort', stop)
  }
}

function cancelled(signal: AbortSignal): AppError {
  return new AppError('request.cancelled', '', { cause: signal.reason })
}
