import { randomUUID } from 'node:crypto'
import { readdir, readFile, rename, rm, stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { DRAFT_PREFIX, defaultCacheDirectory, entriesFolder, MANIFEST_FILE, PACKED_FILE } from './cache-layout.ts'

/** Rewritten weights of one part of a checkpoint, in the weight cache. */
export interface CacheEntry {
  /** Where it is. */
  readonly folder: string
  /** `language` or `vision`; empty when nothing says so. */
  readonly part: string
  /** Paths of the files that it was made from. They may be gone by now. */
  readonly sources: readonly string[]
  /** What it takes on disk. */
  readonly bytes: number
  /** When a model was last opened with it. */
  readonly usedAt: Date
}

/** A draft that nobody has written to for so long was left by a process that ended too early. */
const ABANDONED_MS = 3_600_000
const KEY = /^[0-9a-f]{64}$/

/**
 * The complete entries of a weight cache, the one that was used last first.
 *
 * @param cacheDirectory - as `loadGemma3VL` takes it
 */
export async function listCacheEntries(cacheDirectory = defaultCacheDirectory()): Promise<CacheEntry[]> {
  const root = entriesFolder(cacheDirectory)
  const entries = await Promise.all((await namesIn(root)).filter((name) => KEY.test(name)).map(readEntry(root)))
  return entries.flat().sort((a, b) => b.usedAt.getTime() - a.usedAt.getTime())
}

/**
 * Removes an entry. A model that has loaded its weights keeps them, where the system lets files be removed that are in
 * use; one that loads them later fails, and packs them again when it is started anew.
 */
export async function removeCacheEntry({ folder }: CacheEntry): Promise<void> {
  // Half an entry must not be found by those who look for a whole one.
  const removed = join(folder, '..', `${DRAFT_PREFIX}${randomUUID()}`)
  await rename(folder, removed)
  await rm(removed, { recursive: true, force: true })
}

/**
 * Removes what processes left behind that ended while they wrote to a cache.
 *
 * @returns how many there were
 */
export async function removeAbandonedDrafts(cacheDirectory = defaultCacheDirectory()): Promise<number> {
  const root = entriesFolder(cacheDirectory)
  let removed = 0
  for (const name of await namesIn(root)) {
    if (!name.startsWith(DRAFT_PREFIX)) continue
    const draft = join(root, name)
    const written = await stat(join(draft, PACKED_FILE)).catch(() => stat(draft).catch(() => undefined))
    if (written === undefined || Date.now() - written.mtimeMs <= ABANDONED_MS) continue
    await rm(draft, { recursive: true, force: true })
    removed++
  }
  return removed
}

/** Notes that an entry is used: its folder's time is that of its last use. Where it may not be written, none is noted. */
export async function noteUse(folder: string): Promise<void> {
  const now = new Date()
  await utimes(folder, now, now).catch(() => undefined)
}

async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
}

/** @returns a function that gives none for an entry that another process has just removed */
function readEntry(root: string): (name: string) => Promise<CacheEntry[]> {
  return async (name) => {
    const folder = join(root, name)
    const [found, packed] = await Promise.all(
      [folder, join(folder, PACKED_FILE)].map((path) => stat(path).catch(() => undefined)),
    )
    if (found === undefined) return []
    const manifest = await readManifest(join(folder, MANIFEST_FILE))
    return [{ folder, ...manifest, bytes: packed?.size ?? 0, usedAt: found.mtime }]
  }
}

async function readManifest(path: string): Promise<Pick<CacheEntry, 'part' | 'sources'>> {
  try {
    const { part, sources } = JSON.parse(await readFile(path, 'utf8'))
    return { part: String(part), sources: sources.map((source: { path: unknown }) => String(source.path)) }
  } catch {
    return { part: '', sources: [] } // it is for people only: an entry works without
  }
}
