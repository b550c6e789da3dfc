import { AppError } from '@loupe/shared/errors'

/** Waits as a run of the model does: it ends early with `request.cancelled` when the signal aborts. */
export async function abortable(promise: Promise<unknown>, signal: AbortSignal | undefined): Promise<void> {
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const onAbort = () => reject(new AppError('request.cancelled'))
  signal?.addEventListener('abort', onAbort)
  if (signal?.aborted === true) onAbort()
  try {
    await Promise.race([promise, aborted])
  } finally {
    signal?.removeEventListener('abort', onAbort)
  }
}
