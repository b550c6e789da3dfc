import { z } from 'zod'

/**
 * A list whose length is judged before any of its elements. `z.array(element).max(most)` looks at every element first
 * and reports each fault, and a body of a few megabytes has room for a million of them.
 */
export function boundedList<T extends z.ZodType>(element: T, [least, most]: readonly [least: number, most: number]) {
  return z.array(z.any()).min(least).max(most).pipe(z.array(element))
}
