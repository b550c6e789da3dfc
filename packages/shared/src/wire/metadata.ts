import { z } from 'zod'
import { AppError } from '../errors/index.ts'

const count = z.int().min(1)
const size = z.int().min(0)
const tokenId = z.int().min(0)
const imageToken = z.int().min(-1)
const tensor = z.object({
  name: z.string(),
  datatype: z.enum(['UINT8', 'INT32', 'FP32', 'BYTES']),
  /** -1 is a size that the request decides. */
  shape: z.array(z.int().min(-1)),
})

/** `GET /v2/models/{m}`: the tensors of a model, and under `parameters` what a client needs to prepare a request. */
const modelMetadata = z.object({
  name: z.string().min(1),
  versions: z.array(z.string()),
  platform: z.string(),
  inputs: z.array(tensor),
  outputs: z.array(tensor),
  parameters: z.object({
    /** Tokens of prompt and answer together. */
    context_length: count,
    vocab_size: count,
    /** -1, here and in the next two, for a text-only model. */
    image_token_id: imageToken,
    boi_token_id: imageToken,
    eoi_token_id: imageToken,
    tokens_per_image: size,
    bos_token_id: tokenId,
    eos_token_ids: z.array(tokenId),
    chat_template: z.string(),
    generation_defaults: z.object({
      temperature: z.number().min(0),
      top_k: z.int().min(0),
      top_p: z.number().min(0).max(1),
      max_tokens: count,
    }),
    /** SHA-256 of the tokenizer artifact, hexadecimal. */
    tokenizer_digest: z.string().regex(/^[0-9a-f]{64}$/),
    /** Side of a picture and of a patch, pixels. */
    image_size: size,
    patch_size: size,
    /** False for the text-only models: they take no pictures. */
    has_vision: z.boolean(),
    /** Whether elongated pictures are also shown in crops unless a request says otherwise; left out is no. */
    do_pan_and_scan: z.boolean().optional(),
  }),
})

/** What a worker says of its model in `GET /v2/models/{m}`: sizes, tensors, defaults, and how pictures are taken. */
export type ModelMetadata = z.infer<typeof modelMetadata>

/** `GET /v2/models`. */
const modelList = z.object({ models: z.array(z.object({ name: z.string(), ready: z.boolean() })) })

/** The models of a worker: `GET /v2/models`. */
export type ModelList = z.infer<typeof modelList>

/** Parses the metadata that a worker sent. @throws AppError `worker.lost` when it is not that */
export function parseModelMetadata(value: unknown): ModelMetadata {
  return parseReply(modelMetadata, value, 'metadata of a model')
}

/** Parses the list of models that a worker sent. @throws AppError `worker.lost` when it is not that */
export function parseModelList(value: unknown): ModelList {
  return parseReply(modelList, value, 'list of models')
}

function parseReply<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  throw new AppError('worker.lost', `The worker sent something that is no ${what}.`, { cause: result.error })
}
