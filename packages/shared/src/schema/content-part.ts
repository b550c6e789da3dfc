import { z } from 'zod'

const imageDetail = z.enum(['auto', 'low', 'high'])

/** How closely a picture is looked at: `low` is one tile, `high` adds crops, `auto` is what the model was made for. */
export type ImageDetail = z.infer<typeof imageDetail>

const detail = imageDetail.nullish()

/** A `data:` URI or an `https:` address. */
const address = z.string().min(1, 'expected a data: URI or an https: address, found an empty string')

/** Plain text. Control tokens of the model in it are plain text too. */
const textPart = z.looseObject({ type: z.literal('text'), text: z.string() })

/** A picture of the chat API; clients send the address as an object or as a bare string. */
const imageUrlPart = z.looseObject({
  type: z.literal('image_url'),
  image_url: z.union([address, z.looseObject({ url: address, detail })]),
  detail,
})

const fileId = z.string().min(1).max(256)

/** A picture as the Responses API writes it: by its address, or by the id of an uploaded file. */
const inputImagePart = z
  .looseObject({
    type: z.literal('input_image'),
    image_url: z.union([address, z.looseObject({ url: address, detail })]).nullish(),
    file_id: fileId.nullish(),
    detail,
  })
  .refine((part) => isGiven(part.image_url) !== isGiven(part.file_id), 'expected either "image_url" or "file_id"')

/** An uploaded picture, as the chat API names it. */
const filePart = z.looseObject({ type: z.literal('file'), file: z.looseObject({ file_id: fileId }) })

/** Text as the Responses API writes it. */
const inputTextPart = z.looseObject({ type: z.literal('input_text'), text: z.string() })

/** An earlier refusal of the assistant, given back in the history. */
const refusalPart = z.looseObject({ type: z.literal('refusal'), refusal: z.string() })

/** One part of a message. */
export const contentPart = z.discriminatedUnion('type', [
  textPart,
  inputTextPart,
  imageUrlPart,
  inputImagePart,
  filePart,
  refusalPart,
])

/** @see {@link contentPart} */
export type ContentPart = z.infer<typeof contentPart>

type PicturePart = Extract<ContentPart, { type: 'image_url' | 'input_image' | 'file' }>

/** Address or file, and detail, of a picture, wherever the client wrote them. */
export function readPicturePart(part: PicturePart) {
  if (part.type === 'file') return pictureFile(part.file.file_id)
  const { image_url: image, detail: outer } = part
  if (image === null || image === undefined) return pictureFile(part['file_id'], outer)
  const [address, inner] = typeof image === 'string' ? [image, undefined] : [image.url, image.detail]
  return { type: 'image', address, detail: inner ?? outer ?? 'auto' } as const
}

function pictureFile(id: unknown, detail?: ImageDetail | null) {
  return { type: 'image', address: '', fileId: String(id), detail: detail ?? 'auto' } as const
}

function isGiven(value: unknown): boolean {
  return value !== null && value !== undefined
}
