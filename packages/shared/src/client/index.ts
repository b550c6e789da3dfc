/**
 * A typed client of a Loupe server, for a browser, workerd and Node.
 *
 * @module
 */
export { type PictureOptions, type PicturePart, picture, type TextPart, text } from './content-parts.ts'
export {
  type CallOptions,
  type ChatBody,
  type ClientOptions,
  createClient,
  type LoupeClient,
  type TokenizeBody,
  type TokenizeTextBody,
} from './create-client.ts'
export { LoupeError, type LoupeErrorOptions } from './loupe-error.ts'
