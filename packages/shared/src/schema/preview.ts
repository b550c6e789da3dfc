import { z } from 'zod'
import { AppError } from '../errors/index.ts'
import type { ImageReference } from './conversation.ts'
import { unknownFields } from './ignored-fields.ts'
import { issueError } from './issue-error.ts'

/** The body of `POST /v1/preview`: one picture, as it would stand in a message. */
export const previewRequest = z.looseObject({
  /** Decides what `detail: "auto"` is. */
  model: z.string().min(1).max(256),
  /** A `data:` URI or an `https:` address. */
  image: z.string().min(1, 'expected a data: URI or an https: address, found an empty string'),
  detail: z.enum(['auto', 'low', 'high']).nullish(),
})

/** A request for what the model sees. */
export interface PreviewRequest {
  /** The name that the client asked for. */
  readonly model: string
  /** Not yet looked at. */
  readonly picture: ImageReference
  /** JSON paths of fields that were accepted and have no effect. */
  readonly ignored: readonly string[]
}

/** The reply of `POST /v1/preview`. */
export const previewReply = z.object({
  object: z.literal('preview'),
  model: z.string(),
  /** The whole picture, then its crops from the left or from the top: each is one picture of the prompt. */
  views: z.array(
    z.object({
      kind: z.enum(['whole', 'crop']),
      /** Pixels. */
      width: z.int().min(1),
      height: z.int().min(1),
      /** SHA-256 of the patches, hexadecimal: by this name the worker knows it. */
      digest: z.string(),
      /** Base64 of a PNG that shows exactly the pixels that are patched. */
      png: z.base64(),
    }),
  ),
})

/** The reply of `POST /v1/preview`, as {@link previewReply} describes it. */
export type PreviewReply = z.infer<typeof previewReply>

/**
 * Reads the body of `POST /v1/preview`.
 *
 * @param body - parsed JSON
 * @throws AppError `request.invalid`
 */
export function readPreviewRequest(body: unknown): PreviewRequest {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new AppError('request.invalid', 'Expected a JSON object as the body.')
  }
  const result = previewRequest.safeParse(body)
  if (!result.success) throw issueError(result.error)
  const { model, image: address, detail } = result.data
  return {
    model,
    picture: { type: 'image', address, detail: detail ?? 'auto', param: 'image' },
    ignored: unknownFields(body, (name) => name in previewRequest.shape),
  }
}
