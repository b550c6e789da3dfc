import type { z } from 'zod'
import {
  type ChatCompletion,
  type ChatCompletionChunk,
  chatCompletion,
  chatCompletionChunk,
} from '../schema/chat-completion.ts'
import type { chatCompletionRequest } from '../schema/chat-request.ts'
import { type EmbeddingList, embeddingList } from '../schema/embeddings-reply.ts'
import type { embeddingsRequest } from '../schema/embeddings-request.ts'
import { type ModelCards, modelCards } from '../schema/model-list.ts'
import { type TokenCount, tokenCount } from '../schema/token-count.ts'
import { type TokenizeReply, tokenizeReply } from '../schema/tokenize.ts'
import { checkReply, readStream } from './read-stream.ts'
import { type OutgoingRequest, type SendOptions, sendRequest } from './send-request.ts'

/** What {@link createClient} needs to know. */
export interface ClientOptions {
  /** Address of the server, without `/v1`: `https://loupe.example`. */
  readonly baseUrl: string
  /** Sent as a bearer token. */
  readonly apiKey?: string
  /** Used instead of the global `fetch`. */
  readonly fetch?: typeof fetch
  /** Further attempts after a failure that may pass; default 2. */
  readonly retries?: number
  /** How long to wait for the head of a reply, milliseconds; default 120,000. */
  readonly timeoutMs?: number
}

/** How one call is made. */
export interface CallOptions {
  /** Ends the call, which then fails with the signal's reason. */
  readonly signal?: AbortSignal
}

/** The body of a chat request; its `stream` is set by the client. */
export type ChatBody = z.input<typeof chatCompletionRequest>

/** A text to be tokenised as it stands. */
export interface TokenizeTextBody {
  /** The name of the model whose tokens they are. */
  readonly model: string
  /** Control tokens in it are text. */
  readonly prompt: string
}

/** What is to be tokenised: a text, or the messages of a chat request. */
export type TokenizeBody = ChatBody | TokenizeTextBody

/** Calls a Loupe server. Every method throws `LoupeError`. */
export interface LoupeClient {
  /** Asks for an answer and waits for the whole of it. */
  chat(body: ChatBody, options?: CallOptions): Promise<ChatCompletion>
  /** Asks for an answer in chunks; the last one holds the usage and no choices. To leave the loop cancels the request. */
  chatStream(body: ChatBody, options?: CallOptions): AsyncGenerator<ChatCompletionChunk, void>
  /** Counts what a chat request would cost; nothing is computed. */
  count(body: ChatBody, options?: CallOptions): Promise<TokenCount>
  /** Tells the token ids of a text or a conversation. */
  tokenize(body: TokenizeBody, options?: CallOptions): Promise<TokenizeReply>
  /** Lists the models. */
  models(options?: CallOptions): Promise<ModelCards>
  /** Tells the features of pictures. */
  embeddings(body: z.input<typeof embeddingsRequest>, options?: CallOptions): Promise<EmbeddingList>
}

/**
 * Makes a client for a Loupe server. It runs in a browser, on workerd and on Node. Replies are checked by the schemas
 * that the server writes them with.
 */
export function createClient(options: ClientOptions): LoupeClient {
  const sending: SendOptions = {
    baseUrl: options.baseUrl.replace(/\/+$/, ''),
    apiKey: options.apiKey,
    // Called bare: a browser's `fetch` refuses to be a method of another object.
    fetch: options.fetch ?? ((input, init) => fetch(input, init)),
    retries: options.retries ?? 2,
    timeoutMs: options.timeoutMs ?? 120_000,
  }

  async function call<T>(request: OutgoingRequest, schema: z.ZodType<T>): Promise<T> {
    const reply = await sendRequest(request, sending)
    const context = { status: reply.status, requestId: reply.headers.get('x-request-id') ?? undefined }
    const body: unknown = await reply.json().catch(() => request.signal?.throwIfAborted()) // no schema takes undefined
    return checkReply(body, schema, context)
  }

  function post<T>(path: string, body: unknown, schema: z.ZodType<T>, { signal }: CallOptions = {}): Promise<T> {
    return call({ method: 'POST', path, body, signal }, schema)
  }

  return {
    chat: (body, how) => post('/v1/chat/completions', { ...body, stream: false }, chatCompletion, how),
    async *chatStream(body, { signal } = {}) {
      const streamed = { ...body, stream: true, stream_options: { include_usage: true, ...body.stream_options } }
      const request = { method: 'POST', path: '/v1/chat/completions', body: streamed, signal } as const
      yield* readStream(await sendRequest(request, sending), chatCompletionChunk)
    },
    count: (body, how) => post('/v1/count', body, tokenCount, how),
    tokenize: (body, how) => post('/v1/tokenize', body, tokenizeReply, how),
    models: ({ signal } = {}) => call({ method: 'GET', path: '/v1/models', signal }, modelCards),
    embeddings: (body, how) => post('/v1/embeddings', body, embeddingList, how),
  }
}
