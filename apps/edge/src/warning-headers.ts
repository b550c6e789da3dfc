const MAX_NAMED = 20
const MAX_NAME_CHARACTERS = 80

/**
 * Names fields that were accepted and have no effect, in `x-loupe-warning`.
 *
 * @param ignored - JSON paths; a stranger wrote them, so only plain characters go into a header
 */
export function warningHeaders(ignored: readonly string[]): Record<string, string> {
  if (ignored.length === 0) return {}
  const names = ignored
    .slice(0, MAX_NAMED)
    .map((name) => name.replace(/[^\w.[\]-]/g, '?').slice(0, MAX_NAME_CHARACTERS))
  const rest = ignored.length > MAX_NAMED ? `, and ${ignored.length - MAX_NAMED} more` : ''
  return { 'x-loupe-warning': `no effect: ${names.join(', ')}${rest}` }
}
