import { AppError } from '@loupe/shared/errors'
import type { CompletionPrompt, CompletionRequest } from '@loupe/shared/schema'
import type { Tokenizer } from '@loupe/shared/tokenizer'
import { admitAnswer, type RequestIdentity, type RunningAnswer } from '../chat/start-answer.ts'
import { withModel } from '../chat/with-model.ts'
import type { Services } from '../edge-env.ts'
import { LIMITS } from '../limits.ts'
import type { ServedModel } from '../worker/model-catalog.ts'
import { encodePrompt } from './encode-prompt.ts'
import { type MergedEvent, mergeAnswers } from './merge-answers.ts'

/** Answers to prompts, of which the worker has admitted the first. */
export interface RunningCompletion {
  readonly model: string
  readonly tokenizer: Tokenizer
  /** Of all prompts. */
  readonly promptTokens: number
  /** The prompts as texts, where they go in front of their answers; else empty texts. */
  readonly echoes: readonly string[]
  /** To each prompt. */
  readonly choices: number
  readonly tellsLogprobs: boolean
  readonly fingerprint: string
  readonly events: AsyncGenerator<MergedEvent, void>
}

interface Source {
  readonly services: Services
  readonly identity: RequestIdentity
}

/**
 * Takes prompts to the worker. All of them are looked at first, so that a fault in any has a status; some are answered at
 * a time.
 *
 * @throws AppError for every fault that a status can still tell
 */
export function startCompletion(
  request: CompletionRequest,
  source: Source,
  signal: AbortSignal,
): Promise<RunningCompletion> {
  return withModel(request.chat.model, source.services.models, signal, (model) => {
    return admitPrompts(model, { request, source, signal })
  })
}

interface Admission {
  readonly request: CompletionRequest
  readonly source: Source
  readonly signal: AbortSignal
}

async function admitPrompts(model: ServedModel, { request, source, signal }: Admission): Promise<RunningCompletion> {
  const { prompts, chat, echo, addBos } = request
  const encoded = prompts.map((prompt) => encodePrompt(prompt, model, addBos))
  const attempt = new AbortController()
  const either = AbortSignal.any([signal, attempt.signal])
  const begin = prompts.map((prompt, at) => () => {
    return admitPrompt(model, { request, source, signal: either }, { prompt, ids: encoded[at] ?? new Int32Array(), at })
  })
  const started: RunningAnswer[] = []
  try {
    for (const each of begin.slice(0, LIMITS.parallelPrompts)) started.push(await each())
  } catch (error) {
    attempt.abort(error) // the prompts before it are not answered either
    throw error
  }
  const waiting = begin.slice(LIMITS.parallelPrompts).map((each) => async () => (await each()).events)
  return {
    model: model.metadata.name,
    tokenizer: model.tokenizer,
    promptTokens: encoded.reduce((sum, ids) => sum + ids.length, 0),
    echoes: prompts.map((prompt) => (echo ? textOf(prompt, model) : '')),
    choices: chat.answer.choices,
    tellsLogprobs: chat.answer.topLogprobs !== undefined,
    fingerprint: started[0]?.fingerprint ?? '',
    events: mergeAnswers({ running: started.map(({ events }) => events), waiting, leave: () => attempt.abort() }),
  }
}

async function admitPrompt(
  model: ServedModel,
  { request, source, signal }: Admission,
  { prompt, ids, at }: { readonly prompt: CompletionPrompt; readonly ids: Int32Array; readonly at: number },
): Promise<RunningAnswer> {
  const { services, identity } = source
  const requestId = at === 0 ? identity.requestId : `${identity.requestId}-${at}`
  const { worker, ledger } = services
  const prepared = { request: request.chat, identity: { ...identity, requestId }, pictures: [], ids, worker, ledger }
  try {
    return await admitAnswer(model, prepared, signal)
  } catch (error) {
    throw blamePrompt(error, prompt.param)
  }
}

/** What is wrong with the ids, and with image tokens among them, is wrong with the prompt. */
function blamePrompt(error: unknown, param: string): unknown {
  if (!AppError.isInstance(error)) return error
  if (error.code === 'image.count_mismatch') return new AppError(error.code, error.detail, { param })
  if (error.code !== 'prompt.too_long') return error
  return new AppError(error.code, error.detail.replace('in the messages', 'in the prompt'), { param })
}

function textOf({ content }: CompletionPrompt, { tokenizer }: ServedModel): string {
  return typeof content === 'string' ? content : tokenizer.decode(content, { skipSpecial: true })
}
