import { z } from 'zod'
import { outputItem, outputTextPart } from './responses-items.ts'
import { responseObject } from './responses-object.ts'

const numbered = { sequence_number: z.int().min(0) }
const inItem = { ...numbered, output_index: z.int().min(0), item_id: z.string() }
const inPart = { ...inItem, content_index: z.literal(0) }
const logprobs = outputTextPart.shape.logprobs

const lifecycle = z.object({
  type: z.enum([
    'response.created',
    'response.in_progress',
    'response.completed',
    'response.incomplete',
    'response.failed',
  ]),
  response: responseObject,
  ...numbered,
})

const item = z.object({
  type: z.enum(['response.output_item.added', 'response.output_item.done']),
  ...numbered,
  output_index: z.int().min(0),
  item: outputItem,
})

const part = z.object({
  type: z.enum(['response.content_part.added', 'response.content_part.done']),
  ...inPart,
  part: outputTextPart,
})

const textDelta = z.object({
  type: z.literal('response.output_text.delta'),
  ...inPart,
  delta: z.string(),
  logprobs,
})

const textDone = z.object({
  type: z.literal('response.output_text.done'),
  ...inPart,
  text: z.string(),
  logprobs,
})

const argumentsDelta = z.object({
  type: z.literal('response.function_call_arguments.delta'),
  ...inItem,
  delta: z.string(),
})

const argumentsDone = z.object({
  type: z.literal('response.function_call_arguments.done'),
  ...inItem,
  name: z.string(),
  arguments: z.string(),
})

/** The fault that ended a stream. `response.failed` follows it. */
const fault = z.object({
  type: z.literal('error'),
  code: z.string().nullable(),
  message: z.string(),
  param: z.string().nullable(),
  ...numbered,
})

/** One event of a streamed response; its name on the wire is its `type`. No `[DONE]` follows the last one. */
export const responseEvent = z.discriminatedUnion('type', [
  lifecycle,
  item,
  part,
  textDelta,
  textDone,
  argumentsDelta,
  argumentsDone,
  fault,
])

/** One event of a streamed response, as {@link responseEvent} describes it. */
export type ResponseEvent = z.infer<typeof responseEvent>
