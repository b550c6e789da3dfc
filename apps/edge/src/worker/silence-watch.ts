import { AppError } from '@loupe/shared/errors'

/** Gives up on a peer that says nothing. Time counts only while the peer is awaited, not while its reader is slow. */
export interface SilenceWatch {
  /** Aborted with `worker.timeout` when nothing has come for too long. */
  readonly signal: AbortSignal
  /** Watches one wait for the peer. */
  during<T>(wait: Promise<T>): Promise<T>
  /** Watches the peer's bytes: each piece is awaited when it is asked for, and is a sign of life. */
  over(body: ReadableStream<Uint8Array>): ReadableStream<Uint8Array>
}

/** Makes a watch. @param silenceMs - how long a wait may last */
export function watchSilence(silenceMs: number): SilenceWatch {
  const controller = new AbortController()
  const giveUp = (): void => {
    controller.abort(new AppError('worker.timeout', `The model worker said nothing for ${silenceMs / 1000} s.`))
  }
  const during = async <T>(wait: Promise<T>): Promise<T> => {
    const timer = setTimeout(giveUp, silenceMs)
    try {
      return await wait
    } finally {
      clearTimeout(timer)
    }
  }
  return {
    signal: controller.signal,
    during,
    over(body) {
      const reader = body.getReader()
      return new ReadableStream<Uint8Array>(
        {
          async pull(out) {
            const { done, value } = await during(reader.read())
            if (done) out.close()
            else out.enqueue(value)
          },
          cancel: (reason) => reader.cancel(reason),
        },
        // Nothing is read ahead: otherwise a wait would begin before anybody asks.
        { highWaterMark: 0 },
      )
    },
  }
}
