/** The engine against llama.cpp, and against itself: `npm run bench -- --help`. */
import { writeFile } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { type CliArguments, integerOption, stringOption } from '@loupe/gpu-worker/src/cli/command.ts'
import { AppError } from '@loupe/shared/errors'
import { measureBandwidth } from './bench-bandwidth.ts'
import { benchCache } from './bench-cache.ts'
import { benchModel } from './bench-files.ts'
import { benchHttp } from './bench-http.ts'
import { benchLanguage } from './bench-language.ts'
import { type BenchRow, markdownTable, plainRow } from './bench-row.ts'
import { BENCH_PARTS, type BenchModel, type BenchPart, type BenchRows, type BenchSettings } from './bench-settings.ts'
import { benchStrict } from './bench-strict.ts'
import { benchVision } from './bench-vision.ts'
import { runScript } from './script.ts'

const SIZES = ['270m', '1b', '4b-text']
const LANGUAGE_PARTS = ['prefill', 'decode', 'batch'] as const
/** What quick leaves out. */
const SLOW_PARTS: readonly BenchPart[] = ['vision']

await runScript({
  summary: 'bench: Loupe and llama.cpp on the same files, in turn',
  help: `
usage: npm run bench -- [--quick] [--models LIST] [--only LIST] [--rounds N] [--patience SECONDS] [--threads N]
                        [--folder DIR] [--json FILE] [--strict]

Writes GGUFs of published sizes with random weights, once, and gives the same file and as many threads to Loupe and to
llama.cpp (node-llama-cpp, which is installed into the directory for temporary files). Both hold it at once, each in a
process of its own, and take turns; a ratio is the median over the turns, above 1 where Loupe is better. "wanted" is what
the ratio should come to. Numbers are those of this machine as it is: on a busy one believe ratios, and those with doubt.

  --quick             the smallest model, three turns, without the vision tower
  --models LIST       some of ${SIZES.join(', ')} (default: all)
  --only LIST         some of ${BENCH_PARTS.join(', ')} (default: all)
  --rounds N          most turns of each measure (default: 5)
  --patience SECONDS  what one side of a measure may take; what would take longer is left out and named (default: 45)
  --threads N         threads of a run, on both sides (default: 2)
  --folder DIR        where models are written and weights packed (default: loupe-bench among the temporary files)
  --json FILE         also write every row with all its turns
  --strict            also build llama.cpp's own bench and compare with that; takes cmake, a C++ compiler and minutes

Prints a Markdown table on stdout and progress on stderr. Takes 8 GB of memory for the 4B, and 5 GB of disk.`,
  options: {
    quick: { type: 'boolean' },
    models: { type: 'string' },
    only: { type: 'string' },
    rounds: { type: 'string' },
    patience: { type: 'string' },
    threads: { type: 'string' },
    folder: { type: 'string' },
    json: { type: 'string' },
    strict: { type: 'boolean' },
  },
  async run(args, { stdout, stderr, signal }) {
    const settings = readSettings(args, { signal, tell: (message) => stderr.write(`${message}\n`) })
    const sizes = readList(args, 'models', SIZES, isQuick(args) ? SIZES.slice(0, 1) : SIZES)
    const rows: BenchRow[] = []
    stdout.write(`${cpus()[0]?.model.trim()}, ${settings.threads} threads\n\n`)
    try {
      for await (const row of everything(sizes, settings)) {
        rows.push(row)
        stderr.write(markdownTable([row]).split('\n')[2] ?? '')
        stderr.write('\n')
      }
    } finally {
      // What has been measured is worth having, whatever came next.
      stdout.write(markdownTable(rows))
      const json = stringOption(args, 'json')
      if (json !== undefined) await writeFile(json, `${JSON.stringify(rows, null, 1)}\n`)
    }
  },
})

async function* everything(sizes: readonly string[], settings: BenchSettings): BenchRows {
  const { parts, threads } = settings
  const bandwidth = (await measureBandwidth(threads)) / 1e9
  yield plainRow({ model: 'this machine', measure: 'reading memory', unit: 'GB/s' }, bandwidth)
  for (const size of sizes) {
    const model = await benchModel(size, settings)
    if (LANGUAGE_PARTS.some((part) => parts.has(part))) yield* benchLanguage(model, settings)
    if (settings.isStrict) yield* benchStrict(model, settings)
    yield* engineRows(model, settings)
  }
  if (parts.has('vision')) yield* benchVision(settings)
}

/** Of the sizes whose tokens take least: what is added to them weighs most. */
async function* engineRows(model: BenchModel, settings: BenchSettings): BenchRows {
  if (model.size.startsWith('4b')) return
  if (settings.parts.has('cache')) yield* benchCache(model, settings)
  if (settings.parts.has('http')) yield* benchHttp(model, settings)
}

function readSettings(args: CliArguments, rest: Pick<BenchSettings, 'signal' | 'tell'>): BenchSettings {
  const usual = BENCH_PARTS.filter((part) => !isQuick(args) || !SLOW_PARTS.includes(part))
  return {
    ...rest,
    parts: new Set(readList(args, 'only', BENCH_PARTS, usual)),
    threads: integerOption(args, 'threads', 2, [1, 64]),
    rounds: integerOption(args, 'rounds', isQuick(args) ? 3 : 5, [1, 100]),
    patienceS: integerOption(args, 'patience', 45, [1, 3600]),
    folder: stringOption(args, 'folder', join(tmpdir(), 'loupe-bench')),
    isStrict: args.values['strict'] === true,
  }
}

function isQuick(args: CliArguments): boolean {
  return args.values['quick'] === true
}

function readList<Name extends string>(
  args: CliArguments,
  option: string,
  known: readonly Name[],
  usual: readonly Name[],
): readonly Name[] {
  const text = stringOption(args, option)
  if (text === undefined) return usual
  return text.split(',').map((wanted) => {
    const found = known.find((name) => name === wanted)
    if (found !== undefined) return found
    throw new AppError('usage.invalid', `--${option}: expected some of ${known.join(', ')}; found "${wanted}".`)
  })
}
