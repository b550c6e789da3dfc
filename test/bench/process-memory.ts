import { readFileSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'

/** What Linux counts for this process, in bytes. */
export interface ProcessMemory {
  /** Resident and nowhere on disk: what the process really holds. */
  readonly anonymous: number
  /** Resident pages of files. The system takes them back when it needs room. */
  readonly file: number
  /** Most of both at once since the process started, or since Linux was told to forget. */
  readonly peak: number
}

/** Reads the resident memory of this process. */
export function processMemory(): ProcessMemory {
  const status = readFileSync('/proc/self/status', 'utf8')
  const bytes = (field: string) => Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0) * 1024
  return { anonymous: bytes('RssAnon'), file: bytes('RssFile') + bytes('RssShmem'), peak: bytes('VmHWM') }
}

/** The same after a garbage collection; the process must run with `--expose-gc`. */
export async function settledMemory(): Promise<ProcessMemory> {
  for (let pass = 0; pass < 3; pass++) {
    globalThis.gc?.()
    // Finalizers and freed array buffers need a turn of the event loop each.
    await setTimeout(20)
  }
  return processMemory()
}
