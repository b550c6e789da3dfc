import { AppError } from '../errors/index.ts'

/**
 * A fault of a request that was made from another one, as a fault of that one.
 *
 * @param placeOf - the path there that a path here stands for
 */
export function movedBlame(error: unknown, placeOf: (param: string) => string): unknown {
  if (!AppError.isInstance(error) || error.param === undefined) return error
  const param = placeOf(error.param)
  const { code, detail, facts, retryAfterMs, cause } = error
  return new AppError(code, detail.startsWith(error.param) ? `${param}${detail.slice(error.param.length)}` : detail, {
    param,
    ...(facts === undefined ? {} : { facts }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    cause,
  })
}
