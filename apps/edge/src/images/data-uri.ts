import { AppError } from '@loupe/shared/errors'

/** True for an address that holds the picture itself. */
export function isDataUri(address: string): boolean {
  return /^\s*data:/i.test(address)
}

/**
 * The bytes of a `data:` URI. Media type and parameters may be anything: the format is read from the bytes. White space
 * in base64 is passed over, as clients that wrap lines send it.
 *
 * @throws AppError `image.empty`, `image.malformed`
 * @see RFC 2397; https://fetch.spec.whatwg.org/#data-url-processor
 */
export function readDataUri(address: string): Uint8Array {
  const comma = address.indexOf(',')
  if (comma < 0) throw new AppError('image.malformed', 'Expected "data:<type>;base64,<data>", found no comma.')
  const isBase64 = /;\s*base64\s*$/i.test(address.slice(0, comma))
  const data = address.slice(comma + 1)
  const bytes = isBase64 ? decodeBase64(data) : decodePercent(data)
  if (bytes.byteLength === 0) throw new AppError('image.empty', 'The data: URI holds no bytes.')
  return bytes
}

function decodeBase64(data: string): Uint8Array {
  // Some clients escape `+`, `/` and `=`; some use the URL alphabet.
  const plain = data.includes('%') ? decodeUriText(data) : data
  const standard = plain.replaceAll('-', '+').replaceAll('_', '/')
  let text: string
  try {
    text = atob(standard)
  } catch {
    throw new AppError('image.malformed', 'The data of the data: URI is not base64.')
  }
  return latin1Bytes(text)
}

function decodePercent(data: string): Uint8Array {
  const text = data.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  return latin1Bytes(text)
}

function decodeUriText(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new AppError('image.malformed', 'The data: URI has a broken percent escape.')
  }
}

function latin1Bytes(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length)
  for (let index = 0; index < text.length; index++) bytes[index] = text.charCodeAt(index)
  return bytes
}
