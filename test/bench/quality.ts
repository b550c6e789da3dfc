/** Tells what each dtype costs in quality: `node test/bench/quality.ts --help`. */
import { readFile, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { type CliArguments, integerOption, stringOption } from '@loupe/gpu-worker/src/cli/command.ts'
import { packProgress } from '@loupe/gpu-worker/src/cli/pack-progress.ts'
import { AppError } from '@loupe/shared/errors'
import {
  embeddedCase,
  goldenCases,
  picturesCase,
  randomIdsCase,
  TOWER_CONFIG,
  textCase,
  towerCase,
} from './quality-cases.ts'
import { PASSAGES } from './quality-passages.ts'
import { TABLE_HEAD, tableRow } from './quality-report.ts'
import { measureQuality, type QualityCase } from './quality-run.ts'
import { qualitySettings } from './quality-settings.ts'
import { runScript } from './script.ts'
import { writeRandomCheckpoint } from './write-checkpoint.ts'

const MODELS = ['golden', 'embedded', 'random-270m', 'random-1b', 'random-tower'] as const
const SHARD_BYTES = 2 ** 31

await runScript({
  summary: 'quality: how far a model in each dtype is from the same model in float32',
  help: `
usage: node test/bench/quality.ts [MODEL]... [--settings TEXT] [--pictures N] [--threads N] [--json]
       node test/bench/quality.ts --model PATH [--text FILE] [--only language|vision] ...

MODEL is one of ${MODELS.join(', ')} (default: all but random-1b). The language
model is measured with the vision tower in float32 and the other way round, then both together. Of each token: KL(float32
|| dtype) in nats, and whether the likeliest next token is the same; of each image feature, the cosine. The embedded
model is also right or wrong on held-out questions. A random one knows nothing: its numbers say what rounding does to the
shapes. random-tower is the vision tower of the 4B, at 224 pixels.

  --model PATH      a directory in Hugging Face layout or a GGUF file; perplexity of a text, the cosine of drawn pictures
  --mmproj FILE     the vision tower of a GGUF file
  --text FILE       passages with a blank line between (default: seven of ordinary English)
  --only PART       language, or vision: of a model whose other part is too large
  --settings TEXT   only those whose row contains it, such as "language int8"; several with commas between
  --pictures N      drawn pictures for the embedded model and for --model (default: 20)
  --tokens N        tokens of each of two sequences for a random model (default: 128)
  --threads N       threads of a run (default: 2)
  --cache-dir DIR   where rewritten weights are kept (default: that of \`loupe\`)
  --json            one JSON object a line in place of tables

Logits of the reference stay in memory: 1 MB a token for the released models, beside one model at a time.`,
  options: {
    model: { type: 'string' },
    mmproj: { type: 'string' },
    text: { type: 'string' },
    only: { type: 'string' },
    settings: { type: 'string' },
    pictures: { type: 'string' },
    tokens: { type: 'string' },
    threads: { type: 'string' },
    'cache-dir': { type: 'string' },
    json: { type: 'boolean' },
  },
  async run(args, { stdout, stderr, signal }) {
    const only = stringOption(args, 'only')
    if (only !== undefined && only !== 'language' && only !== 'vision') {
      throw new AppError('usage.invalid', `--only: expected language or vision, found ${only}.`)
    }
    const wanted = stringOption(args, 'settings', '').split(',')
    const [mmproj, cacheDirectory] = [stringOption(args, 'mmproj'), stringOption(args, 'cache-dir')]
    const load = {
      threads: integerOption(args, 'threads', 2, [1, 64]),
      ...(mmproj && { mmproj }),
      ...(cacheDirectory && { cacheDirectory }),
      onProgress: packProgress(stderr),
      signal,
    }
    for await (const [name, cases] of modelsOf(args, signal)) {
      const isGguf = cases.some(({ path }) => path.endsWith('.gguf'))
      const settings = qualitySettings(isGguf).filter(
        ({ part, dtype, activations }) =>
          wanted.some((text) => `${part} ${dtype} ${activations}`.includes(text)) &&
          (only === undefined || only === part),
      )
      stdout.write(args.values['json'] === true ? '' : `\n${name}\n\n${TABLE_HEAD}\n`)
      for await (const result of measureQuality(cases, { settings, load, hasLanguage: only !== 'vision' })) {
        signal.throwIfAborted()
        const line = args.values['json'] === true ? JSON.stringify({ model: name, ...result }) : tableRow(result)
        stdout.write(`${line}\n`)
      }
    }
  },
})

/** The models that were asked for, each prepared when its turn comes. */
async function* modelsOf(args: CliArguments, signal: AbortSignal): AsyncGenerator<[string, readonly QualityCase[]]> {
  const path = stringOption(args, 'model')
  const pictures = integerOption(args, 'pictures', 20, [1, 100_000])
  if (path !== undefined) return yield [path, await casesOf(resolve(path), args, pictures)]
  const names = args.positionals.length === 0 ? MODELS.filter((name) => name !== 'random-1b') : args.positionals
  for (const name of names) {
    if (name === 'golden') yield [name, goldenCases()]
    else if (name === 'embedded') yield [name, [await embeddedCase(pictures)]]
    else if (name === 'random-270m' || name === 'random-1b') {
      const directory = await randomModel(name.slice('random-'.length), signal)
      yield [name, [randomIdsCase(directory, 2, integerOption(args, 'tokens', 128, [1, 4096]))]]
    } else if (name === 'random-tower') {
      yield [name, [await towerCase(await randomModel('tower', signal, TOWER_CONFIG), pictures)]]
    } else throw new AppError('usage.invalid', `Expected one of ${MODELS.join(', ')}, found ${name}.`)
  }
}

async function casesOf(path: string, args: CliArguments, pictures: number): Promise<readonly QualityCase[]> {
  const only = stringOption(args, 'only')
  const file = stringOption(args, 'text')
  const text =
    file === undefined ? PASSAGES : (await readFile(file, 'utf8')).split(/\n\s*\n/).filter((part) => part.trim())
  const hasVision = (await stat(path)).isDirectory() || stringOption(args, 'mmproj') !== undefined
  return [
    ...(only === 'vision' ? [] : [await textCase(path, text)]),
    ...(only === 'language' || !hasVision ? [] : [await picturesCase(path, pictures)]),
  ]
}

async function randomModel(size: string, signal: AbortSignal, config?: object): Promise<string> {
  const directory = join(tmpdir(), `loupe-random-${size}-bf16`)
  const observer = { onProgress: () => undefined, signal }
  const checkpoint = {
    size,
    directory,
    seed: 1,
    dtype: 'BF16',
    shardBytes: SHARD_BYTES,
    ...(config && { config }),
  } as const
  await writeRandomCheckpoint(checkpoint, observer)
  return directory
}
