import { spawn } from 'node:child_process'
import { readFile, rm } from 'node:fs/promises'
import { join, relative } from 'node:path'

/** The first test that failed. */
export interface Failure {
  /** From the root of the repository. */
  readonly file: string
  readonly test: string
  readonly message: string
}

/** Of vitest's JSON report, what is read here. */
interface Report {
  readonly testResults: readonly {
    readonly name: string
    readonly message: string
    readonly status: string
    readonly assertionResults: readonly {
      readonly status: string
      readonly fullName: string
      readonly failureMessages: readonly string[] | null
    }[]
  }[]
}

/**
 * Runs test files until one test fails.
 *
 * @param directory - a copy of the repository
 * @returns `undefined` when all passed
 * @throws Error when the tests could not be run
 */
export async function runTests(
  directory: string,
  files: readonly string[],
  signal: AbortSignal,
): Promise<Failure | undefined> {
  const reportPath = join(directory, 'mutation-report.json')
  await rm(reportPath, { force: true })
  const vitest = join(directory, 'node_modules/vitest/vitest.mjs')
  const report = ['--reporter', 'json', '--outputFile', reportPath]
  const output = await runNode([vitest, 'run', ...files, '--bail', '1', ...report], directory, signal)
  const text = await readFile(reportPath, 'utf8').catch(() => {
    throw new Error(`the tests could not be run:\n${output}`)
  })
  return firstFailure(JSON.parse(text) as Report, directory)
}

function firstFailure({ testResults }: Report, directory: string): Failure | undefined {
  for (const { name, message, status, assertionResults } of testResults) {
    const file = relative(directory, name)
    const failed = assertionResults.find((result) => result.status === 'failed')
    if (failed !== undefined) return { file, test: failed.fullName, message: failed.failureMessages?.[0] ?? '' }
    if (status === 'failed' && message !== '') return { file, test: '(the file itself)', message }
  }
  return undefined
}

async function runNode(args: readonly string[], cwd: string, signal: AbortSignal): Promise<string> {
  const child = spawn(process.execPath, args, { cwd, signal, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (piece) => (output += piece))
  await new Promise<void>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', () => resolve())
  })
  return output
}
