/** What a reply says about keeping it. */
export interface CacheRules {
  /** Until then it is used without asking, milliseconds since 1970. */
  readonly freshUntilMs: number
  /** What to ask with whether it has changed. */
  readonly etag?: string
  readonly lastModified?: string
}

/** However long a host allows, it is asked at least this often. */
const MOST_FRESH_S = 3600
/** A validator is sent back as a header; longer ones are no validators. */
const MOST_VALIDATOR_CHARACTERS = 256

/**
 * Reads the rules of a reply. Nothing is guessed: what a host says nothing about is asked for again each time.
 *
 * @returns undefined for what may not be kept, or would never be used if it were
 * @see RFC 9111, sections 4.2 and 5.2
 */
export function readCacheRules(headers: Headers, nowMs: number): CacheRules | undefined {
  const directives = readDirectives(headers.get('cache-control') ?? '')
  if (directives.has('no-store') || (headers.get('vary') ?? '').includes('*')) return undefined
  const freshS = directives.has('no-cache') ? 0 : lifetimeS(headers, directives)
  const etag = validator(headers, 'etag')
  const lastModified = validator(headers, 'last-modified')
  if (freshS <= 0 && etag === undefined && lastModified === undefined) return undefined
  return {
    freshUntilMs: nowMs + Math.min(Math.max(freshS, 0), MOST_FRESH_S) * 1000,
    ...(etag === undefined ? {} : { etag }),
    ...(lastModified === undefined ? {} : { lastModified }),
  }
}

function readDirectives(text: string): ReadonlyMap<string, string> {
  return new Map(
    text.split(',').map((directive) => {
      const [name = '', value = ''] = directive.split('=', 2)
      return [name.trim().toLowerCase(), value.trim().replaceAll('"', '')]
    }),
  )
}

/** `max-age` wins over `Expires`; time spent in caches on the way counts. What cannot be read is over. */
function lifetimeS(headers: Headers, directives: ReadonlyMap<string, string>): number {
  const maxAge = directives.get('max-age')
  const ageS = Number(headers.get('age') ?? 0)
  const lifeS = maxAge === undefined ? expiryS(headers) : wholeNumber(maxAge)
  return Number.isFinite(ageS) ? lifeS - Math.max(ageS, 0) : 0
}

function wholeNumber(text: string): number {
  return /^\d{1,9}$/.test(text) ? Number(text) : 0
}

function expiryS(headers: Headers): number {
  const span = Date.parse(headers.get('expires') ?? '') - Date.parse(headers.get('date') ?? '')
  return Number.isFinite(span) ? span / 1000 : 0
}

function validator(headers: Headers, name: string): string | undefined {
  const value = headers.get(name)
  return value === null || value === '' || value.length > MOST_VALIDATOR_CHARACTERS ? undefined : value
}
