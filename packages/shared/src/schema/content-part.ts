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

/** A picture as the Responses API writes it. */
const inputImagePart = z.looseObject({
  type: z.literal('input_image'),
  image_url: z.union([address, z.looseObject({ url: address, detail })]),
  detail,
})

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
  refusalPart,
])

/** @see {@link contentPart} */
export type ContentPart = z.infer<typeof contentPart>

type PicturePart = Extract<ContentPart, { type: 'image_url' | 'input_image' }>

/** Address and detail of a picture, wherever the client wrote them. */
export function readPicturePart({ image_url: image, detail: outer }: PicturePart) {
  const [address, inner] = typeof image === 'string' ? [image, undefined] : [image.url, image.detail]
  return { type: 'image', address, detail: inner ?? outer ?? 'auto' } as const
}
