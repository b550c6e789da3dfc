import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'

/**
 * Makes a directory and those above it that are missing.
 *
 * With `recursive`, `mkdir` of Node 24 never ends in a directory that exists and takes nothing, as `/proc`. Here every
 * path is tried twice at most. What the operating system says of a path that cannot be made is passed on as it is.
 *
 * @param path - absolute, or from the working directory
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
