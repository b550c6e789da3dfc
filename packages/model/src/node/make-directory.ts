import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'

/**
 * Makes a directory and those above it that are missing.
 *
 * With `recursive`, `mkdir` of Node 24 never ends in a directory that exists and takes nothing, as `/proc`. Here every
 * path is tried twice at most.
 *
 * @throws the error of the operating system
 */
export async function makeDirectory(path: string): Promise<void> {
  try {
    await makeOne(path)
  } catch (error) {
    const parent = dirname(path)
    if (codeOf(error) !== 'ENOENT' || parent === path) throw error
    await makeDirectory(parent)
    await makeOne(path)
  }
}

/** Makes a directory in one that exists. It may be there already: what is no directory fails when it is used as one. */
async function makeOne(path: string): Promise<void> {
  await mkdir(path).catch((error) => {
    if (codeOf(error) !== 'EEXIST') throw error
  })
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}
