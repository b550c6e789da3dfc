import { execFile } from 'node:child_process'
import { copyFile, mkdir, mkdtemp, readdir, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'

/** Packages of this repository: in a copy they must be those of the copy. */
const OWN_SCOPE = '@loupe'
const OWN_PACKAGES = {
  shared: 'packages/shared',
  model: 'packages/model',
  edge: 'apps/edge',
  'gpu-worker': 'apps/gpu-worker',
}
const MOST_LIST_BYTES = 64 * 1024 * 1024

/** A copy of the working tree that can be edited. The caller disposes it. */
export interface Sandbox extends AsyncDisposable {
  readonly directory: string
}

/**
 * Copies what git tracks or would track, changes that are not committed included, and links the installed packages.
 *
 * @param root - of the repository
 */
export async function createSandbox(root: string): Promise<Sandbox> {
  const directory = await mkdtemp(join(tmpdir(), 'loupe-mutation-'))
  const remove = () => rm(directory, { recursive: true, force: true })
  try {
    for (const name of await filesOf(root)) await copyInto(root, directory, name)
    await linkPackages(root, directory)
  } catch (error) {
    await remove()
    throw error
  }
  return { directory, [Symbol.asyncDispose]: remove }
}

async function filesOf(root: string): Promise<string[]> {
  const list = ['ls-files', '-z', '--cached', '--others', '--exclude-standard']
  const { stdout } = await promisify(execFile)('git', list, { cwd: root, maxBuffer: MOST_LIST_BYTES })
  return [...new Set(stdout.split('\0'))].filter((name) => name !== '')
}

async function copyInto(root: string, directory: string, name: string): Promise<void> {
  const target = join(directory, name)
  await mkdir(dirname(target), { recursive: true })
  await copyFile(join(root, name), target).catch((error: NodeJS.ErrnoException) => {
    // Tracked, and removed from the working tree.
    if (error.code !== 'ENOENT') throw error
  })
}

async function linkPackages(root: string, directory: string): Promise<void> {
  const [installed, linked] = [join(root, 'node_modules'), join(directory, 'node_modules')]
  await mkdir(join(linked, OWN_SCOPE), { recursive: true })
  for (const name of await readdir(installed)) {
    // Caches of tools start with a dot; their results would be those of the original.
    if (name !== OWN_SCOPE && !name.startsWith('.')) await symlink(join(installed, name), join(linked, name))
  }
  for (const [name, path] of Object.entries(OWN_PACKAGES)) {
    await symlink(join(directory, path), join(linked, OWN_SCOPE, name))
  }
}
