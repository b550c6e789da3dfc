import { AppError } from '@loupe/shared/errors'
import { holdItem, type PlacedItem, type ResponseItem, type ResponsesRequest } from '@loupe/shared/schema'
import type { FoundItems, ResponseStore } from '../storage/response-store.ts'
import { newId } from './new-id.ts'

/** The conversation of a request. */
export interface GatheredItems {
  /** All of it, oldest first. */
  readonly items: readonly PlacedItem[]
  /** What the request itself has brought. */
  readonly input: readonly ResponseItem[]
}

/** Whose responses are looked at, and where. */
export interface GatherOptions {
  readonly store: ResponseStore
  readonly tenant: string
}

/**
 * Puts a conversation together: what is stored of it, and what the request brings.
 *
 * @throws AppError `response.previous_unknown`, `request.invalid`; `prompt.too_long` for more than can be read at once
 */
export async function gatherItems(request: ResponsesRequest, options: GatherOptions): Promise<GatheredItems> {
  const { settings, inputIsText } = request
  const [history, input] = await Promise.all([
    earlierItems(settings.previous_response_id, options),
    ownItems(request, options),
  ])
  const placed = input.map((item, index) => {
    return { item, place: { at: inputIsText ? 'input' : `input[${index}]`, isWhole: inputIsText } }
  })
  return { items: [...history, ...placed], input }
}

async function earlierItems(previous: string | null, { store, tenant }: GatherOptions): Promise<PlacedItem[]> {
  if (previous === null) return []
  const param = 'previous_response_id'
  const found = await store.history(tenant, previous)
  if (found.found === 'items') return found.items.map((item) => ({ item, place: { at: param, isWhole: true } }))
  if (found.found === 'too_much') throw tooMuch(param)
  const detail = `${param}: the response "${previous}", or one before it, was not stored, is deleted or has expired.`
  throw new AppError('response.previous_unknown', detail, { param })
}

async function ownItems({ input }: ResponsesRequest, { store, tenant }: GatherOptions): Promise<ResponseItem[]> {
  const references = input.flatMap((item, index) => (item.type === 'item_reference' ? [{ id: item.id, index }] : []))
  const found: FoundItems =
    references.length === 0
      ? { found: 'items', items: [] }
      : await store.items(
          tenant,
          references.map(({ id }) => id),
        )
  if (found.found !== 'items') throw unusable(references, found.found)
  const referred = found.items.values()
  return input.flatMap((item, index) => {
    if (item.type !== 'item_reference') return [holdItem(item, `input[${index}]`, newId)]
    const { value } = referred.next()
    return value === undefined ? [] : [value]
  })
}

function unusable([first]: readonly { readonly index: number }[], why: 'nothing' | 'too_much'): AppError {
  if (why === 'too_much') return tooMuch(`input[${first?.index}].id`)
  const detail = 'input: expected references to stored items, found one that is not stored, deleted or expired.'
  return new AppError('request.invalid', detail, { param: 'input' })
}

function tooMuch(param: string): AppError {
  return new AppError('prompt.too_long', `${param}: what is stored under it is more than can be read at once.`, {
    param,
  })
}
