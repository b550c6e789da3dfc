import { AppError } from '@loupe/shared/errors'

/** Gives up on a peer that says nothing. */
export interface SilenceWatch {
  /** Aborted with `worker.timeout` when nothing has come for too long. */
  readonly signal: AbortSignal
  /** Put in the way of the peer's bytes: each piece is a sign of life. */
  through(): TransformStream<Uint8Array, Uint8Array>
  /** Stops watching. */
  end(): void
}

/** Starts to watch. @param silenceMs - how long it may be silent, from now on and after each piece */
export function watchSilence(silenceMs: number): SilenceWatch {
  const controller = new AbortController()
  let timer: ReturnType<typeof setTimeout> | undefined
  const end = (): void => clearTimeout(timer)
  const restart = (): void => {
    end()
    timer = setTimeout(() => {
      const detail = `The model worker said nothing for ${silenceMs / 1000} s.`
      controller.abort(new AppError('worker.timeout', detail))
    }, silenceMs)
  }
  restart()
  return {
    signal: controller.signal,
    through: () =>
      new TransformStream({
        transform(piece, out) {
          restart()
          out.enqueue(piece)
        },
      }),
    end,
  }
}
