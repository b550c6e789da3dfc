import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, normalize } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Consumer, createConsumer, filesBelow, type Packed, readmeExamples } from '../support/packed-packages.ts'

const ROOT = join(import.meta.dirname, '../..')
const NEUTRAL = ['errors', 'schema', 'wire', 'tokenizer', 'chat', 'image'].map((name) => `@loupe/shared/${name}`)
/** A source that is published: neither a test nor what tests share. */
const SOURCE = /(?<!\.test|\.test-d|^.*\btesting\/.*)\.ts$/
const run = promisify(execFile)

let consumer: Consumer

beforeAll(async () => {
  consumer = await createConsumer(ROOT)
})
afterAll(() => consumer?.[Symbol.asyncDispose]())

/** @returns the files below a folder, as paths relative to it */
function below(folder: string, files: readonly string[]): string[] {
  const inside = files.filter((file) => file.startsWith(`${folder}/`))
  return inside.map((file) => file.slice(folder.length + 1)).toSorted()
}

/** Writes a file of the consumer. @returns its path */
async function write(name: string, text: string): Promise<string> {
  const path = join(consumer.directory, name)
  await writeFile(path, text)
  return path
}

/** Runs a program in the consumer's folder. @returns what it prints */
async function output(program: string, args: readonly string[]): Promise<string> {
  const { stdout } = await run(program, args, { cwd: consumer.directory }).catch((failure) => {
    throw new Error(`${failure.message}\n${failure.stdout}`)
  })
  return stdout
}

/** `import * as m0 from '@loupe/model'` and so on, and a use of each. */
function imports(entries: readonly string[]): string {
  const lines = entries.map((entry, index) => `import * as m${index} from '${entry}'`)
  return `${lines.join('\n')}\nconsole.log([${entries.map((_, index) => `m${index}`).join(', ')}].length)\n`
}

/** What can be imported from a package, files of other kinds than code left out. */
function entriesOf({ name, manifest }: Packed): string[] {
  const code = Object.entries(manifest.exports).filter(([, target]) => typeof target === 'object')
  return code.map(([subpath]) => join(name, subpath))
}

describe('a packed package', () => {
  it('holds all code, compiled and with declarations, all assets, and nothing else but what it is told by', async () => {
    for (const { name, files } of consumer.packages) {
      const folder = join(ROOT, 'packages', name.replace('@loupe/', ''))
      const sources = (await filesBelow(join(folder, 'src'))).filter((file) => SOURCE.test(file))
      const code = sources.flatMap((file) => [file.replace(SOURCE, '.js'), file.replace(SOURCE, '.d.ts')])
      const assets = await filesBelow(join(folder, 'assets'))
      const rest = files.filter((file) => !/^(dist|assets)\//.test(file))
      expect(below('dist', files)).toEqual(code.toSorted())
      expect(below('assets', files)).toEqual(assets.toSorted())
      expect(rest.filter((file) => !file.endsWith('.md')).toSorted()).toEqual(['LICENSE', 'package.json'])
    }
  })

  it('holds every file that its manifest and its README name', async () => {
    for (const { name, files, manifest } of consumer.packages) {
      const readme = await readFile(join(consumer.directory, 'node_modules', name, 'README.md'), 'utf8')
      const linked = [...readme.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, path = '']) => path)
      const targets = Object.values(manifest.exports).flatMap((target) =>
        typeof target === 'string' ? [target] : Object.values(target),
      )
      expect(files).toEqual(expect.arrayContaining([...linked, ...targets].map(normalize)))
    }
  })

  it('can be imported by every entry point', async () => {
    const entries = consumer.packages.flatMap(entriesOf)
    expect(entries).toEqual(expect.arrayContaining([...NEUTRAL, '@loupe/model/node', '@loupe/model/runtime']))
    const file = await write('entries.ts', imports(entries))
    expect(await output(process.execPath, [file])).toBe(`${entries.length}\n`)
  })

  it('runs the examples of the README of @loupe/model', async () => {
    const codes = await readmeExamples(ROOT)
    expect(codes).not.toEqual([])
    for (const [index, code] of codes.entries()) {
      const file = await write(`example-${index}.ts`, code)
      expect(await output(process.execPath, [file]), code).not.toBe('')
    }
  })

  it('packs weights in a thread, whose file it brings', async () => {
    const program = await readFile(join(import.meta.dirname, 'programs/int4-in-threads.ts'), 'utf8')
    const file = await write('int4-in-threads.ts', program)
    expect(await output(process.execPath, [file])).toMatch(/^[1-9]\d* 32768 true\n$/)
  })

  it('is typed, strictly, declarations and all, for a consumer without the types of Node', async () => {
    await typeCheck({ module: 'nodenext', skipLibCheck: false })
  })

  it('is typed for a consumer that resolves as bundlers do', async () => {
    await typeCheck({ module: 'esnext', moduleResolution: 'bundler', skipLibCheck: true })
  })

  it('goes into the bundle of a browser, but for what needs Node', async () => {
    const entries = ['@loupe/model', ...NEUTRAL]
    const file = await write('browser.ts', imports(entries))
    const bundle = join(consumer.directory, 'browser.js')
    await output(esbuild(), ['--bundle', '--platform=browser', '--format=esm', `--outfile=${bundle}`, file])
    expect(await output(process.execPath, [bundle])).toBe(`${entries.length}\n`)
  })
})

async function typeCheck(options: { module: string; moduleResolution?: string; skipLibCheck: boolean }): Promise<void> {
  const file = await write('typed.ts', imports(consumer.packages.flatMap(entriesOf)))
  const compilerOptions = { ...options, target: 'es2022', strict: true, noEmit: true, types: [] }
  const project = await write('tsconfig.json', JSON.stringify({ compilerOptions, files: [file] }))
  await output(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', project])
}

/** The bundler that wrangler brings. */
function esbuild(): string {
  const wrangler = createRequire(import.meta.url).resolve('wrangler/package.json')
  return join(dirname(createRequire(wrangler).resolve('esbuild/package.json')), 'bin/esbuild')
}
