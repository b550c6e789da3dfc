/** Enough to see the pattern of a wrong checkpoint, short enough to read. */
const MAX_SHOWN = 8

/**
 * One clause of an error message that names many things: `3 missing: a, b, c`.
 *
 * @returns no clause when there are no items, so that clauses can be spread into one list
 */
export function listed(claim: string, items: readonly string[]): string[] {
  if (items.length === 0) return []
  const more = items.length > MAX_SHOWN ? ` and ${items.length - MAX_SHOWN} more` : ''
  return [`${items.length} ${claim}: ${items.slice(0, MAX_SHOWN).join(', ')}${more}`]
}
