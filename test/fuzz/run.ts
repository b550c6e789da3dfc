/** Hostile pictures for as long as one likes: `node test/fuzz/run.ts --help`. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { integerOption, stringOption } from '@loupe/gpu-worker/src/cli/command.ts'
import { AppError } from '@loupe/shared/errors'
import { runScript } from '../bench/script.ts'
import { type CampaignTally, type Finding, runCampaign } from './campaign.ts'
import { nodeTarget } from './node-target.ts'
import { FUZZ_FORMATS, type FuzzFormat, loadSeeds } from './seeds.ts'
import type { FuzzTarget } from './target.ts'
import { workerdTarget } from './workerd-target.ts'

const PROGRESS_MS = 10_000
const MINUTE_MS = 60_000
const MIB = 1024 * 1024

await runScript({
  summary: 'fuzz: damages pictures and shows them to the edge',
  help: `
usage: node test/fuzz/run.ts [--minutes N] [--seed N] [--format LIST] [--runtime NAME] [--from DIR]... [--keep DIR]

Every case is a sound picture, changed in one to three ways that know its format or do not. workerd sees it through the
public API, Node through the image pipeline; both must come to the same, which is a picture or a typed refusal. Progress
goes to standard error, the counts and what was found to standard output. Exit status 1 when something was found.

  --minutes N      how long (default: 1)
  --seed N         the same seed gives the same cases (default: 1)
  --case N         only this case of the seed
  --format LIST    of ${FUZZ_FORMATS.join(',')} (default: all)
  --runtime NAME   workerd, node or both (default: both)
  --from DIR       more sound pictures; may be given several times
  --keep DIR       where the files of findings are written`,
  options: {
    minutes: { type: 'string' },
    seed: { type: 'string' },
    case: { type: 'string' },
    format: { type: 'string' },
    runtime: { type: 'string' },
    from: { type: 'string', multiple: true },
    keep: { type: 'string' },
  },
  async run(args, { stdout, stderr, signal }) {
    const minutes = integerOption(args, 'minutes', 1, [0, 100_000])
    const seed = integerOption(args, 'seed', 1, [0, 2 ** 31])
    const only = integerOption(args, 'case', -1, [-1, 2 ** 31])
    const folders = [args.values['from'] ?? []].flat().map(String)
    const seeds = await loadSeeds(readFormats(stringOption(args, 'format', FUZZ_FORMATS.join(','))), folders)
    const keep = stringOption(args, 'keep')
    await using stack = new AsyncDisposableStack()
    const targets = await startTargets(stringOption(args, 'runtime', 'both'))
    for (const target of targets) stack.defer(() => target.close())

    stderr.write(`${seeds.length} sound pictures\n`)
    const end = Date.now() + minutes * MINUTE_MS
    let shown = Date.now()
    const tally = await runCampaign({
      targets,
      seeds,
      seed,
      from: Math.max(only, 0),
      isOver: (cases) => signal.aborted || (only >= 0 ? cases > 0 : Date.now() >= end),
      onCase(so) {
        if (Date.now() - shown < PROGRESS_MS) return
        shown = Date.now()
        stderr.write(`${describeProgress(so)}\n`)
      },
    })
    stdout.write(`${describeTally(tally)}\n`)
    if (keep !== undefined) await keepFindings(tally.findings, keep)
    if (tally.findings.length > 0) process.exitCode = 1
  },
})

function readFormats(list: string): FuzzFormat[] {
  const names = list.split(',')
  const known = FUZZ_FORMATS.filter((format) => names.includes(format))
  if (known.length === names.length) return known
  throw new AppError('usage.invalid', `--format takes a list of ${FUZZ_FORMATS.join(', ')}, not "${list}".`)
}

async function startTargets(runtime: string): Promise<FuzzTarget[]> {
  if (runtime === 'node') return [nodeTarget()]
  if (runtime === 'workerd') return [await workerdTarget()]
  if (runtime === 'both') return [await workerdTarget(), nodeTarget()]
  throw new AppError('usage.invalid', `--runtime takes workerd, node or both, not "${runtime}".`)
}

function describeProgress({ cases, findings, slowest, peakBytes }: CampaignTally): string {
  const peaks = [...peakBytes].map(([name, bytes]) => `${name} at most ${Math.round(bytes / MIB)} MiB`)
  const head = `${cases} cases, ${findings.length} findings, slowest ${Math.round(slowest.ms)} ms`
  return [head, ...peaks].join(', ')
}

function describeTally(tally: CampaignTally): string {
  const counts = [...tally.outcomes].sort(([a], [b]) => (a < b ? -1 : 1)).map(([what, count]) => `  ${what} ${count}`)
  const findings = tally.findings.map(
    ({ found, where, what }) =>
      `case ${found.index} in ${where}: ${what}\n  ${found.format} ${found.from.name}: ${found.steps.join(', ')}`,
  )
  const slow = `slowest case ${tally.slowest.index}`
  return [describeProgress(tally), `${tally.checks} checks, ${slow}`, ...counts, ...findings].join('\n')
}

async function keepFindings(findings: readonly Finding[], folder: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  for (const { found, where, what } of findings) {
    const path = join(folder, `case-${found.index}-${where}.${found.format}`)
    await writeFile(path, found.bytes)
    await writeFile(`${path}.txt`, `${what}\n${found.from.name}: ${found.steps.join(', ')}\n`)
  }
}
