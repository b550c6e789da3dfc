import { z } from 'zod'
import { boundedList } from '../bounded-list.ts'
import { functionName } from './chat-tools.ts'

/** More items than this, or parts of one item, are no conversation. */
const MOST_ITEMS = 2048
const MOST_PARTS = 4096

const itemId = z.string().min(1).max(128)
const status = z.enum(['in_progress', 'completed', 'incomplete'])
/** An id that the caller made or was given; null and absent ask for a new one. */
const givenId = itemId.nullish()
const callId = z.string().min(1).max(256)

const inputText = z.looseObject({ type: z.literal('input_text'), text: z.string() })
const outputText = z.looseObject({ type: z.literal('output_text'), text: z.string() })
const refusal = z.looseObject({ type: z.literal('refusal'), refusal: z.string() })

/** A picture: by its address (a `data:` URI or an address), or by the id of an uploaded file. */
const inputImage = z.looseObject({
  type: z.literal('input_image'),
  image_url: z.string().min(1).nullish(),
  file_id: z.string().min(1).max(256).nullish(),
  detail: z.enum(['auto', 'low', 'high', 'original']).nullish(),
})

const inputPart = z.discriminatedUnion('type', [inputText, inputImage])
const messagePart = z.discriminatedUnion('type', [inputText, inputImage, outputText, refusal])

/** Something that was said. `type` may be left out, and content be bare text. */
const inputMessage = z.looseObject({
  type: z.literal('message').optional(),
  role: z.enum(['user', 'assistant', 'system', 'developer']),
  content: z.union([z.string(), boundedList(messagePart, [0, MOST_PARTS])]),
  id: givenId,
  status: status.nullish(),
})

/** A call that the model made. */
const inputCall = z.looseObject({
  type: z.literal('function_call'),
  call_id: callId,
  name: functionName,
  /** JSON. */
  arguments: z.string(),
  id: givenId,
  status: status.nullish(),
})

/** What the call gave. */
const inputCallOutput = z.looseObject({
  type: z.literal('function_call_output'),
  call_id: callId,
  output: z.union([z.string(), boundedList(inputPart, [0, MOST_PARTS])]),
  id: givenId,
  status: status.nullish(),
})

/** An item of an earlier response that is stored. */
const itemReference = z.looseObject({ type: z.literal('item_reference'), id: itemId })

/** One item of `input`, as clients send it. */
export const inputItem = z.discriminatedUnion('type', [inputMessage, inputCall, inputCallOutput, itemReference])

/** One item of `input`, as clients send it. */
export type InputItem = z.infer<typeof inputItem>

/** `input`: one question, or the items of a conversation in their order. */
export const responsesInput = z.union([z.string(), boundedList(inputItem, [1, MOST_ITEMS])])

const tokenLogprob = z.object({ token: z.string(), logprob: z.number(), bytes: z.array(z.int().min(0).max(255)) })

/** How likely a token was, and the likeliest ones beside it. */
const outputLogprob = z.object({ ...tokenLogprob.shape, top_logprobs: z.array(tokenLogprob) })

/** Text of an answer. There are no annotations: nothing is searched. */
export const outputTextPart = z.object({
  type: z.literal('output_text'),
  text: z.string(),
  annotations: z.array(z.never()),
  logprobs: z.array(outputLogprob),
})

/** An answer of the model. */
const outputMessage = z.object({
  id: itemId,
  type: z.literal('message'),
  status,
  role: z.literal('assistant'),
  content: z.array(z.discriminatedUnion('type', [outputTextPart, z.object(refusal.shape)])),
})

/** A call of a function that the model asks for. */
const outputCall = z.object({
  id: itemId,
  type: z.literal('function_call'),
  status,
  call_id: callId,
  name: z.string(),
  /** JSON. */
  arguments: z.string(),
})

/** One item of `output`. */
export const outputItem = z.discriminatedUnion('type', [outputMessage, outputCall])

/** One item of `output`: an answer, or a call of a function. */
export type OutputItem = z.infer<typeof outputItem>

const heldImage = z.object({
  type: z.literal('input_image'),
  image_url: z.string().nullable(),
  file_id: z.string().nullable(),
  detail: z.enum(['auto', 'low', 'high', 'original']),
})
const heldPart = z.discriminatedUnion('type', [z.object(inputText.shape), heldImage])

const heldMessage = z.object({
  id: itemId,
  type: z.literal('message'),
  status,
  role: z.enum(['user', 'system', 'developer']),
  content: z.array(heldPart),
})

const heldCallOutput = z.object({
  id: itemId,
  type: z.literal('function_call_output'),
  status,
  call_id: callId,
  output: z.union([z.string(), z.array(heldPart)]),
})

/** One item of a conversation with all its fields: what is stored and listed. */
export const responseItem = z.union([heldMessage, outputMessage, outputCall, heldCallOutput])

/** One item of a conversation with all its fields, those of requests and those of answers. */
export type ResponseItem = z.infer<typeof responseItem>

/** The reply of `GET /v1/responses/{id}/input_items`. */
export const responseItemList = z.object({
  object: z.literal('list'),
  data: z.array(responseItem),
  first_id: z.string().nullable(),
  last_id: z.string().nullable(),
  has_more: z.boolean(),
})

/** A page of the items of a request, as {@link responseItemList} describes it. */
export type ResponseItemList = z.infer<typeof responseItemList>
