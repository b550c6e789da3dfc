import type { BatchEndpoint } from '@loupe/shared/schema'
import { readBounded } from '../read-bounded.ts'
import { newId } from '../responses/new-id.ts'
import type { LineResult, OpenLine } from './line-table.ts'

/** Takes the body of a line to its endpoint, for the tenant of its batch. */
export type AskEndpoint = (endpoint: BatchEndpoint, body: string, requestId: string) => Promise<Response>

/** A line has a result, or is to be tried again; `fails` when that counts as a failed try. */
export type LineAnswer = { readonly result: LineResult } | { readonly again: { readonly fails: boolean } }

/** What a fault on our side is tried again for; each time it may have been the line's own fault. */
const MOST_TRIES = 5
/** Nothing was begun: there is no room, no worker, or the key is at its limit. */
const NOT_NOW = [409, 429, 503]
const BROKEN = [408, 499, 500, 502, 504]

/** What a line is answered with. */
export interface AnswerLineOptions {
  readonly ask: AskEndpoint
  readonly endpoint: BatchEndpoint
  /** Longest reply that is kept. */
  readonly mostBytes: number
}

/** Answers a line, as a client of its own would be. */
export async function answerLine(
  { customId, tries }: OpenLine,
  text: string,
  { ask, endpoint, mostBytes }: AnswerLineOptions,
): Promise<LineAnswer> {
  const id = newId('batch_req')
  const { body } = JSON.parse(text) as { body: unknown } // it was looked at when the batch was validated
  const reply = await ask(endpoint, JSON.stringify(body), id)
  if (isLater(reply) || (BROKEN.includes(reply.status) && tries + 1 < MOST_TRIES)) {
    await reply.body?.cancel()
    return { again: { fails: BROKEN.includes(reply.status) } }
  }
  const bytes = await readBounded(reply, mostBytes, () => new Error('long')).catch(() => undefined)
  if (bytes === undefined) {
    await reply.body?.cancel().catch(() => undefined) // broken already
    return { result: failedLine(customId, 'reply_too_large', `The reply has more than ${mostBytes} bytes.`) }
  }
  const response = { status_code: reply.status, request_id: id, body: JSON.parse(new TextDecoder().decode(bytes)) }
  return { result: { isOk: reply.ok, json: JSON.stringify({ id, custom_id: customId, response, error: null }) } }
}

/** A line of the error file that no endpoint has answered. */
export function failedLine(customId: string, code: string, message: string): LineResult {
  const line = { id: newId('batch_req'), custom_id: customId, response: null, error: { code, message } }
  return { isOk: false, json: JSON.stringify(line) }
}

function isLater({ status, headers }: Response): boolean {
  return NOT_NOW.includes(status) && headers.get('x-should-retry') !== 'false'
}
