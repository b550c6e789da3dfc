import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'

/** Name of the packed file in the folder of an entry. */
export const PACKED_FILE = 'packed.safetensors'

/** Name of the file beside it that says what it was made from. */
export const MANIFEST_FILE = 'manifest.json'

/** What the name of an entry begins with while it is written. */
export const DRAFT_PREFIX = 'new-'

/** `$LOUPE_CACHE`, else `$XDG_CACHE_HOME/loupe`, else `~/.cache/loupe`. */
export function defaultCacheDirectory(env: Readonly<Record<string, string | undefined>> = process.env): string {
  const { LOUPE_CACHE: own, XDG_CACHE_HOME: shared } = env
  if (own !== undefined && own !== '') return own
  // The XDG specification has relative paths ignored.
  return join(shared !== undefined && isAbsolute(shared) ? shared : join(homedir(), '.cache'), 'loupe')
}

/** Where the entries of a cache are. */
export function entriesFolder(cache: string): string {
  return join(cache, 'weights')
}

/** Where a cache remembers what the files of checkpoints hold. */
export function digestsFolder(cache: string): string {
  return join(cache, 'digests')
}
