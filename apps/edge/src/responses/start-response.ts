import {
  blameInResponses,
  placedChatRequest,
  type ResponseObject,
  type ResponsesRequest,
  type TokenCount,
} from '@loupe/shared/schema'
import { countRequest } from '../chat/count-request.ts'
import { type RequestIdentity, type RunningAnswer, startAnswer } from '../chat/start-answer.ts'
import type { Services } from '../edge-env.ts'
import { gatherItems } from './gather-items.ts'
import { newId } from './new-id.ts'
import type { ResponseMaking } from './response-events.ts'
import { ResponseWriter } from './response-writer.ts'

/** A response that the worker has begun. */
export interface StartedResponse {
  readonly making: ResponseMaking
  /** JSON paths of fields that were accepted and have no effect. */
  readonly ignored: readonly string[]
}

interface Source {
  readonly services: Services
  readonly identity: RequestIdentity
}

/**
 * Takes a request of the Responses API to the worker, as the chat request that it stands for.
 *
 * @throws AppError for every fault that a status can still tell, with paths of this request
 */
export async function startResponse(
  request: ResponsesRequest,
  { services, identity }: Source,
  signal: AbortSignal,
): Promise<StartedResponse> {
  const { tenant } = identity
  const { items, input } = await gatherItems(request, { store: services.responses, tenant })
  const { request: chat, places } = placedChatRequest(request, items)
  const answer = await startAnswer(chat, { services, identity }, signal).catch((error: unknown) => {
    throw blameInResponses(error, places)
  })
  const draft = draftOf(request, answer, services)
  const keep = async (response: ResponseObject): Promise<ResponseObject> => {
    if (!response.store) return response
    const isKept = await services.responses.put(tenant, { response, input })
    return { ...response, store: isKept }
  }
  return { making: { answer, writer: writerOf(draft, answer, services), keep }, ignored: chat.ignored }
}

/**
 * Counts the tokens of a request without answering it.
 *
 * @throws AppError what {@link startResponse} throws before the worker is asked
 */
export async function countResponse(
  request: ResponsesRequest,
  { services, identity }: Source,
  signal: AbortSignal,
): Promise<TokenCount> {
  const { items } = await gatherItems(request, { store: services.responses, tenant: identity.tenant })
  const { request: chat, places } = placedChatRequest(request, items)
  return countRequest(chat, { services, identity }, signal).catch((error: unknown) => {
    throw blameInResponses(error, places)
  })
}

function draftOf({ settings }: ResponsesRequest, { model }: RunningAnswer, { nowMs }: Services): ResponseObject {
  return {
    id: newId('resp'),
    object: 'response',
    created_at: Math.floor(nowMs() / 1000),
    completed_at: null,
    status: 'in_progress',
    error: null,
    incomplete_details: null,
    model,
    output: [],
    usage: null,
    ...settings,
  }
}

function writerOf(draft: ResponseObject, answer: RunningAnswer, { nowMs }: Services): ResponseWriter {
  const { promptTokens, imageTokens } = answer
  return new ResponseWriter({ draft, promptTokens, imageTokens, makeId: newId, nowMs })
}
