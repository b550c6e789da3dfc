import { AppError } from '@loupe/shared/errors'
import { readBounded } from './read-bounded.ts'

/**
 * Reads a JSON body that is not longer than the limit. A longer one is refused by its announced length before a byte of
 * it is read, or as soon as the limit is passed.
 *
 * @throws AppError `request.too_large`, `request.invalid`
 */
export async function readJson(request: Request, maxBytes: number): Promise<unknown> {
  const bytes = await readBounded(request, maxBytes, () => {
    return new AppError('request.too_large', `Expected at most ${maxBytes} bytes.`)
  })
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (cause) {
    const found = bytes.byteLength === 0 ? 'an empty body' : 'something else'
    throw new AppError('request.invalid', `Expected a JSON object in UTF-8 as the body, found ${found}.`, { cause })
  }
}
