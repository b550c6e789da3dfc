import type { ImageDetail } from '../schema/content-part.ts'

/** A text in a message. */
export interface TextPart {
  /** Says which part it is. */
  readonly type: 'text'
  /** Control tokens in it are plain text. */
  readonly text: string
}

/** A picture in a message. */
export interface PicturePart {
  /** Says which part it is. */
  readonly type: 'image_url'
  /** Where the picture is, and how closely it is looked at. */
  readonly image_url: { readonly url: string; readonly detail?: ImageDetail }
}

/** How {@link picture} describes a picture. */
export interface PictureOptions {
  /** `low` is one tile, `high` adds crops, `auto` (the default) is what the model was made for. */
  readonly detail?: ImageDetail
}

/** Base64 of so many bytes at a time: `String.fromCharCode` takes its bytes as arguments. */
const STRIDE = 0x6000

/** A part of a message that holds text. */
export function text(content: string): TextPart {
  return { type: 'text', text: content }
}

/**
 * A part of a message that holds a picture. The file is sent as it is, within the request.
 *
 * @param source - a file, or an `https:` or `data:` address
 */
export async function picture(source: Blob | URL | string, { detail }: PictureOptions = {}): Promise<PicturePart> {
  const url = source instanceof Blob ? await dataUri(source) : String(source)
  return { type: 'image_url', image_url: detail === undefined ? { url } : { url, detail } }
}

async function dataUri(blob: Blob): Promise<string> {
  const bytes = new Uint8Array(await blob.arrayBuffer())
  let binary = ''
  for (let at = 0; at < bytes.length; at += STRIDE) {
    binary += String.fromCharCode(...bytes.subarray(at, at + STRIDE))
  }
  return `data:${blob.type === '' ? 'application/octet-stream' : blob.type};base64,${btoa(binary)}`
}
