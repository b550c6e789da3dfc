import { AppError } from '@loupe/shared/errors'
import type { BatchReference } from './batch-store.ts'

/** The part of a queue that is used. @see https://developers.cloudflare.com/queues/configuration/javascript-apis/ */
interface Queue {
  send(body: BatchReference, options?: { readonly delaySeconds: number }): Promise<unknown>
}

/** What a queue delivers. Some messages come twice. */
export interface MessageBatch {
  readonly messages: readonly { readonly body: unknown; ack(): void; retry(): void }[]
}

/** The queue of references to batches. @throws AppError `config.invalid` when the binding is missing */
export function batchQueue(env: Readonly<Record<string, unknown>>): Queue {
  const value = env['BATCH_QUEUE']
  if (typeof value === 'object' && value !== null && 'send' in value) {
    return value as Queue // what has this method is a queue
  }
  throw new AppError('config.invalid', 'BATCH_QUEUE: expected a binding to a queue, found none.')
}
