/**
 * Rewritten weights, kept on disk by what they were made from:
 *
 *     <cache>/digests/<path>.json                 SHA-256 of a checkpoint's file, and the state of it that was read
 *     <cache>/weights/<key>/packed.safetensors    the weights of a part
 *     <cache>/weights/<key>/manifest.json         what they were made from, for people
 *     <cache>/weights/new-<random>/               one that is being written
 *
 * A folder gets its name when it is complete. Nothing is locked: two processes that pack the same do it twice, and the
 * first one to finish wins. The time of a folder is that of its last use.
 *
 * Folders and files have the modes that the umask leaves, so that a group may share a cache (umask 002 and a folder of
 * the group with its set-group-ID bit). Whoever can write to a cache can change the weights that the others load: an
 * entry is found by what it was made from, and not read whole to check what it holds.
 */
import { createHash, randomUUID } from 'node:crypto'
import { type FileHandle, mkdir, open, rename, rm, stat, statfs, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError } from '@loupe/shared/errors'
import { throwIfCancelled } from '../runtime/cancellation.ts'
import { noteUse, removeAbandonedDrafts } from './cache-entries.ts'
import {
  DRAFT_PREFIX,
  defaultCacheDirectory,
  digestsFolder,
  entriesFolder,
  MANIFEST_FILE,
  PACKED_FILE,
} from './cache-layout.ts'
import { contentDigest } from './content-digest.ts'
import type { PackProgress } from './load-options.ts'
import { makeDirectory } from './make-directory.ts'
import { type PackPlan, packTasks } from './pack-plan.ts'
import { runPackTasks } from './pack-threads.ts'

export { PACKED_FILE } from './cache-layout.ts'

/** Changes when the same plan gives other bytes. */
const FORMAT = 2

/** Options of {@link openPacked}. */
export interface WeightCacheOptions {
  readonly cacheDirectory?: string | undefined
  readonly onProgress?: ((progress: PackProgress) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * The folder of a packed part. Packs it if it is not in the cache.
 *
 * @throws AppError `cache.unusable` if the cache cannot be written, or the disk is too small; `weights.invalid` if the
 *   checkpoint cannot be read, changes meanwhile, or holds a number that cannot be packed; `request.cancelled`
 */
export async function openPacked(plan: PackPlan, options: WeightCacheOptions): Promise<string> {
  const cache = options.cacheDirectory ?? defaultCacheDirectory()
  const root = entriesFolder(cache)
  const { key, manifest } = await identify(plan, cache, options)
  const folder = join(root, key)
  if (await isComplete(folder, plan)) {
    await noteUse(folder)
    return folder
  }
  const draft = await createDraft(cache, plan)
  try {
    await writePacked(join(draft, PACKED_FILE), plan, options)
    await writeFile(join(draft, MANIFEST_FILE), `${JSON.stringify(manifest, undefined, 2)}\n`)
    // Unless the checkpoint is still what the key says, it may have been packed half before and half after a change.
    const after = await identify(plan, cache, { ...options, onProgress: undefined })
    if (after.key !== key) throw new AppError('weights.invalid', 'The checkpoint changed while it was packed.')
    await publish(draft, folder, plan)
    return folder
  } catch (error) {
    throw explained(error, root, plan)
  } finally {
    await rm(draft, { recursive: true, force: true })
  }
}

/** The key of a plan, and what it stands for. */
async function identify({ part, weights }: PackPlan, cache: string, { onProgress, signal }: WeightCacheOptions) {
  const paths = [...new Set(Array.from(weights.values(), ({ source }) => source.path))].sort()
  const sizes = await Promise.all(paths.map(sizeOf))
  const totalBytes = sizes.reduce((sum, size) => sum + size, 0)
  let doneBytes = 0
  const onBytes = (count: number) => {
    doneBytes += count
    onProgress?.({ part, step: 'read', doneBytes, totalBytes })
  }
  const digests: string[] = []
  for (const path of paths) digests.push(await contentDigest(path, { folder: digestsFolder(cache), onBytes, signal }))
  const contents = Array.from(weights, ([name, { source, form }]) => {
    const { dtype, shape, path, offset } = source
    return { name, dtype, shape, digest: digests[paths.indexOf(path)], offset, form }
  })
  const key = createHash('sha256')
    .update(JSON.stringify([FORMAT, part, contents]))
    .digest('hex')
  const sources = paths.map((path, index) => ({ path, bytes: sizes[index], sha256: digests[index] }))
  return { key, manifest: { format: FORMAT, part, sources } }
}

async function sizeOf(path: string): Promise<number> {
  const found = await stat(path).catch((cause) => {
    throw new AppError('weights.invalid', `${path} cannot be read.`, { cause })
  })
  return found.size
}

/** Whether a folder holds all that the plan says. A shorter file, or one of another layout, is none. */
async function isComplete(folder: string, { head, fileBytes }: PackPlan): Promise<boolean> {
  const file = await open(join(folder, PACKED_FILE), 'r').catch(() => undefined)
  if (file === undefined) return false
  try {
    if ((await file.stat()).size !== fileBytes) return false
    const found = new Uint8Array(head.byteLength)
    const { bytesRead } = await file.read(found, 0, found.byteLength, 0)
    return bytesRead === head.byteLength && Buffer.compare(found, head) === 0
  } finally {
    await file.close()
  }
}

async function createDraft(cache: string, plan: PackPlan): Promise<string> {
  const root = entriesFolder(cache)
  try {
    await makeDirectory(root)
    await removeAbandonedDrafts(cache)
    const { bavail, bsize } = await statfs(root)
    if (bavail * bsize < plan.fileBytes) throw noSpace(root, plan, bavail * bsize)
    const draft = join(root, `${DRAFT_PREFIX}${randomUUID()}`)
    await mkdir(draft) // not mkdtemp, whose folders nobody else can read: who shares a cache says so by the umask
    return draft
  } catch (error) {
    throw explained(error, root, plan)
  }
}

async function writePacked(path: string, plan: PackPlan, { onProgress, signal }: WeightCacheOptions): Promise<void> {
  throwIfCancelled(signal)
  const tasks = packTasks(plan)
  const totalBytes = tasks.reduce((sum, { rows, source }) => sum + rows * source.rowBytes, 0)
  let doneBytes = 0
  await withFile(path, 'wx', async (file) => {
    await file.write(plan.head, 0, plan.head.byteLength, 0)
    await file.truncate(plan.fileBytes)
  })
  await runPackTasks(tasks, {
    target: path,
    signal,
    onDone: ({ rows, source }) => {
      doneBytes += rows * source.rowBytes
      onProgress?.({ part: plan.part, step: 'pack', doneBytes, totalBytes })
    },
  })
  // A name must never stand for bytes that a power failure can still take away.
  await withFile(path, 'r+', (file) => file.sync())
}

async function withFile(path: string, flags: string, use: (file: FileHandle) => Promise<unknown>): Promise<void> {
  const file = await open(path, flags)
  try {
    await use(file)
  } finally {
    await file.close()
  }
}

/** Gives a draft its name, unless another process was first. What is there and incomplete is replaced. */
async function publish(draft: string, folder: string, plan: PackPlan): Promise<void> {
  for (let attempt = 0; attempt < 3; attempt++) {
    const isDone = await rename(draft, folder).then(
      () => true,
      () => isComplete(folder, plan),
    )
    if (isDone) return
    await rm(folder, { recursive: true, force: true })
  }
  await rename(draft, folder)
}

/** What a person can do about what the file system said. */
function explained(error: unknown, root: string, plan: PackPlan): unknown {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  if (AppError.isInstance(error) || code === '') return error
  if (code === 'ENOSPC' || code === 'EDQUOT') return noSpace(root, plan)
  const detail = `${root} cannot be written (${code}); name another folder with cacheDirectory (--cache).`
  return new AppError('cache.unusable', detail, { cause: error })
}

/** @param free - bytes, where they are known */
function noSpace(root: string, { part, fileBytes }: PackPlan, free: number | 'fewer' = 'fewer'): AppError {
  const found = `expected ${fileBytes} bytes free for the ${part} weights, found ${free}`
  return new AppError('cache.unusable', `${root}: ${found}; name another folder with cacheDirectory (--cache).`)
}
