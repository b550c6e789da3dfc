import type { ErrorCode } from '@loupe/shared/errors'
import type { QueryName, ReplyName, RequestName } from './components.ts'

/** One method of one address: a row of the table that the document is made of. */
export interface Operation {
  readonly method: 'get' | 'post' | 'delete'
  /** As OpenAPI writes it: `/v1/files/{id}`. */
  readonly path: string
  /** Unique; the name of the method in generated clients. */
  readonly id: string
  /** One of {@link TAGS}. */
  readonly tag: string
  readonly summary: string
  /** Markdown. */
  readonly description?: string
  /** Which key it takes. */
  readonly key: 'api' | 'admin' | 'none'
  /** What each part of the path is. */
  readonly pathParameters?: Readonly<Record<string, PathParameter>>
  /** What the route parses its query with. */
  readonly query?: QueryName
  readonly body?: JsonBody | FormBody
  readonly reply: Reply
  /** Faults of this address, those that every address has left out. */
  readonly errors: readonly ErrorCode[]
  /** What calls it in the packages `openai` (or `anthropic`), the same in Python and TypeScript. */
  readonly sdk?: { readonly client: 'openai' | 'anthropic'; readonly call: string }
}

/** A part of a path. */
interface PathParameter {
  readonly description: string
  readonly example: string
}

/** A body of JSON. */
interface JsonBody {
  readonly kind: 'json'
  readonly schema: RequestName
  /** Whole bodies by what they show; a test sends each of them. */
  readonly examples: Readonly<Record<string, Readonly<Record<string, unknown>>>>
}

/** A form with a file. */
interface FormBody {
  readonly kind: 'form'
  /** The fields beside `file`. */
  readonly fields: RequestName
  readonly example: Readonly<Record<string, string>>
}

/** What comes back of a request that is taken. */
interface Reply {
  readonly status: 200 | 201
  readonly description: string
  readonly json?: { readonly schema: ReplyName; readonly example: unknown }
  readonly events?: EventStream
  /** Bytes of any kind. */
  readonly isBytes?: true
}

/** A reply that is streamed when the request asks for it. */
export interface EventStream {
  /** The `data` of each event. */
  readonly schema: ReplyName
  /** Whether each event has the name of its `type`. */
  readonly isNamed: boolean
  /** The `data` that ends the stream, which is no JSON. */
  readonly end?: '[DONE]'
}

/** Groups of operations, in their order. */
export const TAGS = [
  { name: 'Chat', description: 'Questions about pictures and texts, as OpenAI’s clients ask them.' },
  { name: 'Responses', description: 'The same answers in OpenAI’s newer form, stored if you like.' },
  { name: 'Messages', description: 'The same answers as Anthropic’s clients ask for them.' },
  { name: 'Completions', description: 'Texts that are gone on with, with no template round them.' },
  { name: 'Embeddings', description: 'Pictures as the model’s own features.' },
  { name: 'Prompts', description: 'What a request would cost, as token ids and as pixels; nothing is computed.' },
  { name: 'Models', description: 'What is served here.' },
  { name: 'Files', description: 'Pictures to ask about, requests for batches, and what batches have written.' },
  { name: 'Batches', description: 'Files of requests, answered within a day.' },
  { name: 'Keys', description: 'API keys, their scopes and limits.' },
  { name: 'Health', description: 'For whoever keeps it running.' },
] as const
