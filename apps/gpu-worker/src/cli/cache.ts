import type { CacheEntry } from '@loupe/model/node'
import { AppError } from '@loupe/shared/errors'
import { type CliArguments, type Command, integerOption, stringOption } from './command.ts'

const DAY_MS = 86_400_000
const GB = 1e9
const MOST_DAYS = 36_500
const MOST_GB = 1_000_000

/** `loupe cache`: the weights that were rewritten for a model, which stay until somebody removes them. */
export const cache: Command = {
  summary: 'list the rewritten weights that are kept, and remove them',
  help: `
usage: loupe cache [--cache DIR] [--json]
       loupe cache --clear | [--keep-days N] [--max-gb N]

Weights that a model needs in another type than its checkpoint has are rewritten once and kept, by the content of the
checkpoint, until they are removed here. Lists them, the last used first; what is removed is made again when it is needed.
What another process is writing is left alone. Remove nothing that a model is being started from.

  --cache DIR     where they are kept (default: $LOUPE_CACHE, $XDG_CACHE_HOME/loupe or ~/.cache/loupe)
  --clear         remove all
  --keep-days N   remove what was not used for N days
  --max-gb N      remove what was not used for the longest time, until the rest takes N GB of 10^9 bytes at most
  --json          one JSON object: directory, entries and removed, each with folder, part, sources, bytes and usedAt

example: loupe cache --keep-days 30 --max-gb 50`,
  options: {
    cache: { type: 'string' },
    clear: { type: 'boolean' },
    'keep-days': { type: 'string' },
    'max-gb': { type: 'string' },
    json: { type: 'boolean' },
  },
  async run(args, { stdout }) {
    const limits = readLimits(args)
    const node = await import('@loupe/model/node')
    const directory = stringOption(args, 'cache', node.defaultCacheDirectory())
    const all = await node.listCacheEntries(directory)
    const entries = limits === undefined ? all : kept(all, limits)
    const removed = all.filter((entry) => !entries.includes(entry))
    for (const entry of removed) await node.removeCacheEntry(entry)
    if (limits !== undefined) await node.removeAbandonedDrafts(directory)
    const report = { directory, entries, removed }
    stdout.write(args.values['json'] === true ? `${JSON.stringify(report)}\n` : text(report))
  },
}

/** What may stay. */
interface Limits {
  readonly usedAfterMs: number
  readonly bytes: number
}

/** @returns `undefined` when nothing is to be removed */
function readLimits(args: CliArguments): Limits | undefined {
  const clear = args.values['clear'] === true
  const [days, gb] = ['keep-days', 'max-gb'].map((name) => stringOption(args, name))
  if (clear && (days !== undefined || gb !== undefined)) {
    throw new AppError('usage.invalid', '--clear removes all: expected no --keep-days or --max-gb beside it.')
  }
  if (clear) return { usedAfterMs: Number.NEGATIVE_INFINITY, bytes: -1 }
  if (days === undefined && gb === undefined) return undefined
  const keepMs = DAY_MS * integerOption(args, 'keep-days', 0, [0, MOST_DAYS])
  return {
    usedAfterMs: days === undefined ? Number.NEGATIVE_INFINITY : Date.now() - keepMs,
    bytes: gb === undefined ? Number.POSITIVE_INFINITY : GB * integerOption(args, 'max-gb', 0, [0, MOST_GB]),
  }
}

/** @param entries - the last used first */
function kept(entries: readonly CacheEntry[], { usedAfterMs, bytes }: Limits): CacheEntry[] {
  let left = bytes
  return entries.filter((entry) => {
    left -= entry.bytes
    return left >= 0 && entry.usedAt.getTime() >= usedAfterMs
  })
}

interface Report {
  readonly directory: string
  readonly entries: readonly CacheEntry[]
  readonly removed: readonly CacheEntry[]
}

function text({ directory, entries, removed }: Report): string {
  const rows = entries.map(({ usedAt, bytes, part, sources }) => [
    usedAt.toISOString().slice(0, 10),
    gigabytes(bytes).padStart(10),
    part.padEnd(8),
    sources.join(', '),
  ])
  const table =
    entries.length === 0
      ? []
      : ['', 'last used         size  part      made from', ...rows.map((row) => row.join('  '))]
  const gone = removed.length === 0 ? [] : ['', `removed ${counted(removed)}`]
  return `${[`${directory}: ${counted(entries)}`, ...table, ...gone].join('\n')}\n`
}

function counted(entries: readonly CacheEntry[]): string {
  const bytes = entries.reduce((sum, entry) => sum + entry.bytes, 0)
  return `${entries.length} ${entries.length === 1 ? 'entry' : 'entries'}, ${gigabytes(bytes)}`
}

function gigabytes(bytes: number): string {
  return `${(bytes / GB).toFixed(3)} GB`
}
