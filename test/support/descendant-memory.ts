import { readdirSync, readFileSync } from 'node:fs'

/** A process below this one. */
interface Descendant {
  readonly id: number
  readonly name: string
  readonly parent: number
}

/**
 * Bytes that all processes of a name below this one have resident, taken from `/proc`. 0 where there is no `/proc`, which
 * leaves a bound on memory without effect.
 */
export function descendantBytes(name: string): number {
  return descendants()
    .filter((process) => process.name === name)
    .reduce((sum, { id }) => sum + residentBytes(id), 0)
}

function descendants(): Descendant[] {
  const all = allProcesses()
  const below = new Set([process.pid])
  // Ids do not tell who came first, so this goes round until nobody is added.
  for (let size = 0; size !== below.size; ) {
    size = below.size
    for (const { id, parent } of all) if (below.has(parent)) below.add(id)
  }
  return all.filter(({ id }) => id !== process.pid && below.has(id))
}

function allProcesses(): Descendant[] {
  return entries().flatMap((entry) => {
    const [, name, parent] = /\((.*)\) \S (\d+)/.exec(readText(`/proc/${entry}/stat`)) ?? []
    return name === undefined ? [] : [{ id: Number(entry), name, parent: Number(parent) }]
  })
}

function entries(): string[] {
  try {
    return readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))
  } catch {
    return []
  }
}

function residentBytes(id: number): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readText(`/proc/${id}/status`))?.[1] ?? 0) * 1024
}

/** Nothing if the process has ended meanwhile. */
function readText(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}
