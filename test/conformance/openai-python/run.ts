/** The Python package `openai` against edge and worker: `node test/conformance/openai-python/run.ts --help`. */
import { execFile, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { stringOption } from '@loupe/gpu-worker/src/cli/command.ts'
import { AppError } from '@loupe/shared/errors'
import { z } from 'zod'
import { runScript } from '../../bench/script.ts'
import { examplePath } from '../../e2e/support/pictures.ts'
import { MODEL, type Stack, startStack } from '../../e2e/support/stack.ts'

const run = promisify(execFile)
const Line = z.union([z.object({ version: z.string() }), z.object({ name: z.string(), error: z.string().nullable() })])

await runScript({
  summary: 'openai-python: does the Python package openai work with Loupe, unchanged?',
  help: `
usage: node test/conformance/openai-python/run.ts [--python PATH] [--base-python PATH] [--package SPEC]

Starts edge and worker with the embedded model, and lets the Python package openai chat (streamed and not, sync and async),
look at a picture, call functions, parse structured output, have responses, list models, fail and leave.

  --python PATH       an interpreter that has the package; without one a virtual environment is made and removed again
  --base-python PATH  what that is made with (default: python3)
  --package SPEC      what pip installs into it (default: openai)

Prints a Markdown table. The exit status is 1 if something is not as expected.`,
  options: { python: { type: 'string' }, 'base-python': { type: 'string' }, package: { type: 'string' } },
  async run(args, { stdout, stderr, signal }) {
    await using cleanUp = new AsyncDisposableStack()
    const given = stringOption(args, 'python')
    const folder = await mkdtemp(join(tmpdir(), 'loupe-openai-python-'))
    cleanUp.defer(() => rm(folder, { recursive: true, force: true }))
    const base = stringOption(args, 'base-python', 'python3')
    const python = given ?? (await install(folder, base, stringOption(args, 'package', 'openai')))
    const stack = await startStack()
    cleanUp.defer(() => stack.close())
    let failed = 0
    for await (const line of checks(python, stack, signal)) {
      if ('version' in line) {
        stdout.write(`openai ${line.version}\n\n| check | result |\n| --- | --- |\n`)
        continue
      }
      stdout.write(`| ${line.name} | ${line.error === null ? 'passes' : 'fails'} |\n`)
      if (line.error === null) continue
      failed++
      stderr.write(line.error)
    }
    if (failed > 0) process.exitCode = 1
  },
})

/** @returns the interpreter of a new virtual environment that has the package */
async function install(folder: string, base: string, spec: string): Promise<string> {
  try {
    await run(base, ['-m', 'venv', folder])
    const python = join(folder, 'bin', 'python')
    await run(python, ['-m', 'pip', 'install', '--quiet', spec])
    return python
  } catch (cause) {
    throw new AppError('usage.invalid', `"${spec}" could not be installed with "${base}"; give a --python.`, { cause })
  }
}

async function* checks(python: string, stack: Stack, signal: AbortSignal) {
  const script = fileURLToPath(new URL('client.py', import.meta.url))
  const picture = examplePath('three-blue-stars.png')
  const options = { stdio: ['ignore', 'pipe', 'inherit'] as ['ignore', 'pipe', 'inherit'], signal }
  const child = spawn(python, [script, `${stack.edgeUrl}/v1`, MODEL, picture], options)
  // That it did not start, or was interrupted, is told by the end of its output.
  child.once('error', () => undefined)
  let lines = 0
  for await (const line of createInterface({ input: child.stdout })) {
    lines++
    yield Line.parse(JSON.parse(line))
  }
  if (lines === 0) throw new AppError('usage.invalid', `--python: "${python}" did not run the package openai.`)
}
