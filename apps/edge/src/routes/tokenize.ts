import { AppError } from '@loupe/shared/errors'
import {
  type DetokenizeReply,
  readDetokenizeRequest,
  readTokenizeRequest,
  type TokenizeReply,
  type TokenizeRequest,
} from '@loupe/shared/schema'
import { Hono } from 'hono'
import { requestPictures } from '../chat/request-pictures.ts'
import { withModel } from '../chat/with-model.ts'
import { writePrompt } from '../chat/write-prompt.ts'
import type { EdgeEnv, Services } from '../edge-env.ts'
import type { ImageVisitor } from '../images/fetch-image.ts'
import { LIMITS } from '../limits.ts'
import { readJson } from '../read-json.ts'
import { tokenStrings } from '../token-strings.ts'
import { warningHeaders } from '../warning-headers.ts'
import type { ServedModel } from '../worker/model-catalog.ts'

/** `POST /v1/tokenize`: a text or a conversation as token ids, as vLLM answers it. */
export const tokenize = new Hono<EdgeEnv>().post('/', async (c) => {
  const { services, tenant } = c.var
  const request = readTokenizeRequest(await readJson(c.req.raw, LIMITS.requestBytes))
  const { signal } = c.req.raw
  const name = request.kind === 'chat' ? request.chat.model : request.model
  const write = idsWriter(request, services, { tenant, signal })
  const reply = await withModel(name, services.models, signal, async (model): Promise<TokenizeReply> => {
    const ids = await write(model)
    const { context_length } = model.metadata.parameters
    const strings = request.wantsStrings ? { token_strs: tokenStrings(model.tokenizer, ids) } : {}
    return { count: ids.length, max_model_len: context_length, tokens: [...ids], ...strings }
  })
  return c.json(reply, 200, warningHeaders(request.ignored))
})

/** `POST /v1/detokenize`: token ids as text. Control tokens are written as their names. */
export const detokenize = new Hono<EdgeEnv>().post('/', async (c) => {
  const request = readDetokenizeRequest(await readJson(c.req.raw, LIMITS.requestBytes))
  const { tokenizer } = await c.var.services.models.open(request.model, c.req.raw.signal)
  const wrong = request.tokens.findIndex((id) => id >= tokenizer.vocabSize)
  if (wrong >= 0) {
    const detail = `Expected token ids from 0 to ${tokenizer.vocabSize - 1}, found ${request.tokens[wrong]}.`
    throw new AppError('prompt.invalid_token', detail, { param: `tokens[${wrong}]` })
  }
  const prompt = tokenizer.decode(request.tokens)
  return c.json<DetokenizeReply>({ prompt }, 200, warningHeaders(request.ignored))
})

function idsWriter(request: TokenizeRequest, services: Services, visitor: ImageVisitor) {
  if (request.kind === 'text') return async (model: ServedModel) => listable(textIds(request, model))
  const { chat, addGenerationPrompt } = request
  const crops = requestPictures(chat, visitor, services.measureImages)
  return async (model: ServedModel) => {
    return listable(writePrompt(model, chat, await crops(model), { addGenerationPrompt }).ids)
  }
}

function textIds(
  request: TokenizeRequest & { readonly kind: 'text' },
  { tokenizer, metadata }: ServedModel,
): Int32Array {
  const { text, addBos } = request
  if (text.length > LIMITS.promptCharacters) {
    const detail = `Expected at most ${LIMITS.promptCharacters} characters of text, found ${text.length}.`
    throw new AppError('prompt.too_long', detail, { param: 'prompt' })
  }
  const ids = tokenizer.encode(text)
  return addBos ? Int32Array.of(metadata.parameters.bos_token_id, ...ids) : ids
}

function listable(ids: Int32Array): Int32Array {
  if (ids.length <= LIMITS.listedTokens) return ids
  throw new AppError('prompt.too_long', `Expected at most ${LIMITS.listedTokens} tokens, found ${ids.length}.`)
}
