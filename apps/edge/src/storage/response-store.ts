import { type ResponseItem, type ResponseObject, responseItem, responseObject } from '@loupe/shared/schema'
import type { Items, ReadLimits, ResponseShelf } from './response-shelf.ts'

/** A response, and what its request brought along. */
interface StoredResponse {
  readonly response: ResponseObject
  /** The items of its own request; those of earlier ones are stored with theirs. */
  readonly input: readonly ResponseItem[]
}

/** Items that were asked for, or why they cannot be had. */
export type FoundItems =
  | { readonly found: 'items'; readonly items: readonly ResponseItem[] }
  | { readonly found: 'nothing' | 'too_much' }

/** The stored responses of all tenants. A tenant reaches its own and no others, whatever the ids. */
export interface ResponseStore {
  /** Keeps a response as a whole. @returns false for one that is too long to be kept */
  put(tenant: string, stored: StoredResponse): Promise<boolean>
  get(tenant: string, id: string): Promise<ResponseObject | undefined>
  /** @returns whether there was one */
  delete(tenant: string, id: string): Promise<boolean>
  /** The conversation up to and with this response, oldest first. */
  history(tenant: string, id: string): Promise<FoundItems>
  /** Items of any stored responses by their ids, in the order of the ids. */
  items(tenant: string, ids: readonly string[]): Promise<FoundItems>
  /** What the request of a response held, oldest first. */
  input(tenant: string, id: string): Promise<readonly ResponseItem[] | undefined>
}

/** The methods of a shelf, near or far. */
type RemoteShelf = {
  readonly [Name in 'put' | 'get' | 'delete' | 'history' | 'items' | 'input']: (
    ...args: Parameters<ResponseShelf[Name]>
  ) => ReturnType<ResponseShelf[Name]> | Promise<ReturnType<ResponseShelf[Name]>>
}

/** How long a conversation that is gone on with may be. */
const HISTORY_LIMITS: ReadLimits = {
  responses: 512,
  // What passes between a Durable Object and its caller is 32 MiB at most, and a text may take twice its UTF-8 there.
  bytes: 15 * 1024 * 1024,
}

/** What a store is made of. */
export interface ResponseStoreOptions {
  /** Finds the shelf of a tenant. */
  readonly shelfOf: (tenant: string) => RemoteShelf
  /** How long a response is kept. */
  readonly ttlMs: number
  readonly nowMs: () => number
}

/** Makes a store of shelves, one for each tenant. */
export function createResponseStore({ shelfOf, ttlMs, nowMs }: ResponseStoreOptions): ResponseStore {
  return {
    async put(tenant, { response, input }) {
      const { output, ...rest } = response
      return shelfOf(tenant).put({
        id: response.id,
        previous: response.previous_response_id,
        expiresMs: nowMs() + ttlMs,
        response: JSON.stringify(rest),
        input: input.map(written),
        output: output.map(written),
      })
    },
    async get(tenant, id) {
      const found = await shelfOf(tenant).get(id)
      if (found === undefined) return undefined
      return responseObject.parse({ ...parsed(found.response), output: found.output.map(parsed) })
    },
    async delete(tenant, id) {
      return shelfOf(tenant).delete(id)
    },
    async history(tenant, id) {
      return readItems(await shelfOf(tenant).history(id, HISTORY_LIMITS))
    },
    async items(tenant, ids) {
      return readItems(await shelfOf(tenant).items(ids, HISTORY_LIMITS.bytes))
    },
    async input(tenant, id) {
      const found = await shelfOf(tenant).input(id)
      return found?.map(readItem)
    },
  }
}

function written(item: ResponseItem): { id: string; json: string } {
  return { id: item.id, json: JSON.stringify(item) }
}

function readItems(found: Items): FoundItems {
  return found.found === 'items' ? { found: 'items', items: found.items.map(readItem) } : found
}

function readItem(json: string): ResponseItem {
  return responseItem.parse(parsed(json))
}

function parsed(json: string): Record<string, unknown> {
  return JSON.parse(json)
}
