import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { createSandbox } from '../mutation/sandbox.ts'

/** What `npm pack` has put into one tarball. */
export interface Packed {
  /** `@loupe/model` */
  readonly name: string
  /** Paths below the package, as npm lists them. */
  readonly files: readonly string[]
  readonly manifest: PackedManifest
}

interface PackedManifest {
  readonly exports: Readonly<Record<string, string | { readonly types: string; readonly default: string }>>
  readonly dependencies: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

/** A project outside of the repository into which the tarballs are unpacked. The caller disposes it. */
export interface Consumer extends AsyncDisposable {
  readonly directory: string
  readonly packages: readonly Packed[]
}

const PACKAGES = ['@loupe/shared', '@loupe/model']
const run = promisify(execFile)

/**
 * Packs both packages in a copy of the working tree, since packing changes the manifest for a moment, and unpacks them
 * into an empty project. Instead of installing what they declare to depend on, which takes a network, it is linked.
 *
 * @param root - of the repository
 */
export async function createConsumer(root: string): Promise<Consumer> {
  const directory = await mkdtemp(join(tmpdir(), 'loupe-consumer-'))
  const remove = () => rm(directory, { recursive: true, force: true })
  try {
    await writeFile(join(directory, 'package.json'), '{ "type": "module" }')
    const tarballs = await packTarballs(root, directory)
    const packages = await Promise.all(tarballs.map((tarball) => unpack(directory, tarball)))
    for (const name of dependencies(packages)) await link(root, directory, name)
    return { directory, packages, [Symbol.asyncDispose]: remove }
  } catch (error) {
    await remove()
    throw error
  }
}

/** A package as `npm pack` has made it. */
interface Tarball {
  readonly name: string
  readonly filename: string
  readonly files: readonly { readonly path: string }[]
}

/** Packs both packages, in a copy of the working tree. @param destination - the folder for the tarballs */
export async function packTarballs(root: string, destination: string): Promise<readonly Tarball[]> {
  await using copy = await createSandbox(root)
  const workspaces = PACKAGES.flatMap((name) => ['--workspace', name])
  const path = [join(root, 'node_modules/.bin'), process.env['PATH']].join(delimiter)
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', destination, ...workspaces], {
    cwd: copy.directory,
    env: { ...process.env, PATH: path },
  })
  return JSON.parse(stdout)
}

async function unpack(directory: string, { name, filename, files }: Tarball): Promise<Packed> {
  const folder = join(directory, 'node_modules', name)
  await mkdir(folder, { recursive: true })
  await run('tar', ['-xzf', join(directory, filename), '--strip-components=1', '-C', folder])
  const manifest: PackedManifest = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'))
  return { name, files: files.map(({ path }) => path), manifest }
}

/** What the packages declare to need, each name once. */
function dependencies(packages: readonly Packed[]): Set<string> {
  const names = packages.flatMap(({ manifest }) =>
    Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies }),
  )
  return new Set(names.filter((name) => !PACKAGES.includes(name)))
}

async function link(root: string, directory: string, name: string): Promise<void> {
  const folder = join(directory, 'node_modules', name)
  await mkdir(dirname(folder), { recursive: true })
  await symlink(join(root, 'node_modules', name), folder)
}

/** The examples of the model's README that stand on their own. @param root - of the repository */
export async function readmeExamples(root: string): Promise<string[]> {
  const text = await readFile(join(root, 'packages/model/README.md'), 'utf8')
  const blocks = [...text.matchAll(/```ts\n(.*?)```/gs)].map(([, code = '']) => code)
  return blocks.filter((code) => code.startsWith('import '))
}

/** Every file below a folder, as paths relative to it with `/`. */
export async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile())
  return files.map(({ parentPath, name }) =>
    join(parentPath, name)
      .slice(folder.length + 1)
      .replaceAll('\\', '/'),
  )
}
