/**
 * Packs both packages, installs the tarballs with what they depend on from the registry into an empty project outside of
 * the repository, and runs there the examples of the README and the program beside this one. Needs a network, so it is no
 * test: `node test/contract/programs/install.ts`.
 */
import { execFile } from 'node:child_process'
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { packTarballs, readmeExamples } from '../../support/packed-packages.ts'

const ROOT = join(import.meta.dirname, '../../..')
const run = promisify(execFile)

const project = await mkdtemp(join(tmpdir(), 'loupe-install-'))
try {
  await writeFile(join(project, 'package.json'), '{ "type": "module" }')
  const tarballs = await packTarballs(ROOT, project)
  const files = tarballs.map(({ filename }) => join(project, filename))
  await run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', ...files], { cwd: project })
  await copyFile(join(import.meta.dirname, 'int4-in-threads.ts'), join(project, 'int4-in-threads.ts'))
  const examples = await readmeExamples(ROOT)
  for (const [index, code] of examples.entries()) await writeFile(join(project, `example-${index}.ts`), code)
  for (const name of [...examples.map((_, index) => `example-${index}`), 'int4-in-threads']) {
    const { stdout } = await run(process.execPath, [`${name}.ts`], { cwd: project })
    process.stdout.write(`${name}: ${JSON.stringify(stdout)}\n`)
  }
} finally {
  await rm(project, { recursive: true, force: true })
}
