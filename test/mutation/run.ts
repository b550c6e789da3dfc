/** Breaks one fact of the model after another and shows which test notices. `npm run mutate -- --help` */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type Mutant, mutate } from './mutant.ts'
import { MUTANTS } from './mutants/index.ts'
import { type Failure, runTests } from './run-tests.ts'
import { createSandbox } from './sandbox.ts'

const HELP = `
usage: npm run mutate -- [--only NAME] [--list] [--help]

Every mutant is a small edit of the source that makes one fact of the model false. It is made in a temporary copy of the
repository, where the tests that are named beside it must then fail. Ends with 1 when one passes (the mutant survives),
when an edit does not fit the source any more, or when it broke the program and not the fact.

  --only NAME   mutants whose name contains NAME; may be given again
  --list        print the table without running it
`

const ROOT = join(import.meta.dirname, '../..')

/** An edit that these follow from is no program any more; that says nothing about the tests. Nor does a slow machine. */
const BROKEN = /^(SyntaxError|ReferenceError|TypeError|TestTimeoutError)\b|Transform failed|Test timed out/

/** Characters of a failed assertion. */
const MOST_SHOWN = 90

interface Outcome {
  readonly mutant: Mutant
  readonly result: 'caught' | 'SURVIVED' | 'BROKEN'
  readonly by: string
  readonly seconds: number
}

const { values: options } = parseArgs({
  options: { only: { type: 'string', multiple: true }, list: { type: 'boolean' }, help: { type: 'boolean' } },
})
const chosen = MUTANTS.filter(({ name }) => options.only?.some((part) => name.includes(part)) ?? true)

if (options.help) print(HELP.trim())
else if (options.list) for (const { name, file, fact } of chosen) print(`${name.padEnd(34)} ${file}\n    ${fact}`)
else process.exitCode = await run()

async function run(): Promise<number> {
  if (chosen.length === 0) throw new Error(`no mutant is called ${options.only?.join(' or ')}`)
  const interrupted = new AbortController()
  process.once('SIGINT', () => interrupted.abort()).once('SIGTERM', () => interrupted.abort())
  await using sandbox = await createSandbox(ROOT)
  const { directory } = sandbox
  // All of them before the first, so that an edit that does not fit is not found out minutes later.
  for (const mutant of chosen) mutate(await readFile(join(directory, mutant.file), 'utf8'), mutant)
  const files = [...new Set(chosen.flatMap(({ tests }) => tests))]
  const before = await runTests(directory, files, interrupted.signal)
  if (before !== undefined) throw new Error(`without any mutant a test fails: ${described(before)}`)

  const outcomes: Outcome[] = []
  for (const mutant of chosen) {
    const outcome = await tryMutant(directory, mutant, interrupted.signal)
    outcomes.push(outcome)
    print(row(outcome))
  }
  const bad = outcomes.filter(({ result }) => result !== 'caught')
  print(`\n${outcomes.length - bad.length} of ${outcomes.length} mutants caught.`)
  for (const { mutant, result, by } of bad) print(`${result}: ${mutant.name}: ${mutant.fact} ${by}`)
  return bad.length === 0 ? 0 : 1
}

async function tryMutant(directory: string, mutant: Mutant, signal: AbortSignal): Promise<Outcome> {
  const path = join(directory, mutant.file)
  const source = await readFile(path, 'utf8')
  const started = performance.now()
  await writeFile(path, mutate(source, mutant))
  try {
    const failure = await runTests(directory, mutant.tests, signal)
    const seconds = (performance.now() - started) / 1000
    if (failure === undefined) return { mutant, result: 'SURVIVED', by: '', seconds }
    const result = BROKEN.test(failure.message) ? 'BROKEN' : 'caught'
    return { mutant, result, by: described(failure), seconds }
  } finally {
    await writeFile(path, source)
  }
}

function described({ file, test, message }: Failure): string {
  const [why = ''] = message.replace(/^AssertionError: /, '').split('\n')
  return `${file.replace(/^(test|packages|apps)\//, '')} › ${test} › ${why.slice(0, MOST_SHOWN)}`
}

function row({ mutant, result, by, seconds }: Outcome): string {
  return `${mutant.name.padEnd(34)} ${result.padEnd(8)} ${seconds.toFixed(1).padStart(5)} s  ${by}`
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}
