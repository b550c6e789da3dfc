import { AppError } from '@loupe/shared/errors'
import type { ResponseItem, ResponseItemList } from '@loupe/shared/schema'
import { z } from 'zod'

const DEFAULT_ITEMS = 20
const MOST_ITEMS = 100

/** The query of `GET /v1/responses/{id}/input_items`. */
export const itemPageQuery = z.object({
  limit: z.coerce.number().int().min(1).max(MOST_ITEMS).default(DEFAULT_ITEMS),
  order: z.enum(['asc', 'desc']).default('desc'),
  after: z.string().max(128).optional(),
})

/**
 * A page of the items of a request.
 *
 * @param items - all of them, oldest first
 * @param asked - `limit`, `order` and `after` as the address has them
 * @throws AppError `request.invalid`
 */
export function itemPage(items: readonly ResponseItem[], asked: Readonly<Record<string, string>>): ResponseItemList {
  const result = itemPageQuery.safeParse(asked)
  if (!result.success) {
    const [issue] = result.error.issues
    const param = String(issue?.path[0] ?? '')
    throw new AppError('request.invalid', `${param}: ${issue?.message}`, { param })
  }
  const { limit, order, after } = result.data
  const all = order === 'asc' ? items : items.toReversed()
  const start = after === undefined ? 0 : 1 + all.findIndex(({ id }) => id === after)
  if (after !== undefined && start === 0) {
    throw new AppError('request.invalid', 'after: expected the id of an item of this response.', { param: 'after' })
  }
  const data = all.slice(start, start + limit)
  return {
    object: 'list',
    data,
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
    has_more: start + limit < all.length,
  }
}
