import { open } from 'node:fs/promises'
import { join } from 'node:path'
import type { FileSlice } from '../graph/file-slice.ts'

const PIECE_BYTES = 4 * 1024 * 1024

/**
 * Begins to read stretches of files, so that they are in the system's cache when somebody else asks for them. The runtime
 * takes weights through mapped pages and packs them with one thread, which waits for the disk whenever it comes to pages
 * that nobody has read. What cannot be read is left to who needs it.
 *
 * @returns ends the reading when it is disposed
 */
export function readAhead(folder: string, slices: readonly FileSlice[]): Disposable {
  const controller = new AbortController()
  void readAll(folder, slices, controller.signal).catch(() => undefined)
  return { [Symbol.dispose]: () => controller.abort() }
}

/** @internal */
export async function readAll(folder: string, slices: readonly FileSlice[], signal: AbortSignal): Promise<number> {
  const piece = new Uint8Array(PIECE_BYTES)
  let done = 0
  for (const [name, own] of Map.groupBy(slices, ({ file }) => file)) {
    await using file = await open(join(folder, name))
    for (const { offset, bytes } of own.toSorted((a, b) => a.offset - b.offset)) {
      for (let at = 0; at < bytes && !signal.aborted; at += PIECE_BYTES) {
        done += (await file.read(piece, 0, Math.min(PIECE_BYTES, bytes - at), offset + at)).bytesRead
      }
    }
  }
  return done
}
