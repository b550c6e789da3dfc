import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { AppError } from '@loupe/shared/errors'

/** The release that the figures in `docs/performance.md` were taken with. */
export const PEER_VERSION = '3.22.1'

/**
 * Installs node-llama-cpp from npm into a folder of its own, never into the repository, unless it is there already. No
 * install script runs and nothing is compiled: the binaries for a CPU are a package of their own.
 *
 * @param folder - kept for the next time
 * @returns what to give to `import()`
 * @throws AppError `usage.invalid` where npm fails, or there is no binary for this machine
 */
export async function peerPackage(folder = join(tmpdir(), `loupe-peer-${PEER_VERSION}`)): Promise<string> {
  const entry = join(folder, 'node_modules/node-llama-cpp/dist/index.js')
  if (!existsSync(entry)) await install(folder)
  return pathToFileURL(entry).href
}

async function install(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'package.json'), '{ "private": true }\n')
  // The packages for GPUs are optional ones, and hundreds of megabytes.
  const flags = ['--ignore-scripts', '--omit=optional', '--no-audit', '--no-fund']
  const packages = ['node-llama-cpp', `@node-llama-cpp/${process.platform}-${process.arch}`]
  const wanted = packages.map((name) => `${name}@${PEER_VERSION}`)
  await promisify(execFile)('npm', ['install', ...flags, ...wanted], { cwd: folder }).catch((cause) => {
    throw new AppError('usage.invalid', `Expected npm to install ${wanted.join(' and ')}: ${cause}.`, { cause })
  })
}
