/** Predicted against resident memory: `node test/bench/memory.ts --help`. */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { stringOption } from '@loupe/gpu-worker/src/cli/command.ts'
import { embeddedModelDirectory, type PlanOptions, planModel } from '@loupe/model/node'
import type { MeasuredStep, ModelToMeasure } from './measured-model.ts'
import { runScript } from './script.ts'

/** A model, held in a way. */
interface MemoryCase {
  readonly name: string
  /** A directory below `--from`, or a path. */
  readonly path: string
  readonly load: PlanOptions
}

const SMALL = 'loupe-random-270m-bf16'
const MIDDLE = 'loupe-random-1b-bf16'
const PROMPT_TOKENS = 512
const DECODED_TOKENS = 8

const held = (name: string, path: string, language?: 'f32' | 'bf16' | 'int8' | 'int4'): MemoryCase => {
  const vision = language === 'int4' ? 'int8' : language
  return { name, path, load: language === undefined ? {} : { dtype: { language, ...(vision && { vision }) } } }
}

await runScript({
  summary: 'memory: what `loupe inspect` predicts, and what a process has',
  help: `
usage: node test/bench/memory.ts [--from DIR] [--gguf FILE] [--cache DIR] [--only TEXT]

Loads each model in a process of its own, looks at a picture where it can, reads a prompt of ${PROMPT_TOKENS} tokens and decodes
${DECODED_TOKENS}. "own" is anonymous memory, "resident" counts pages of files too; both in megabytes, predicted and measured, with
their ratio. "peak" is the most of the process's own memory at any time. Checkpoints that are not there are left out.

  --from DIR    where random-checkpoint.ts wrote to (default: the directory for temporary files)
  --gguf FILE   a GGUF language model to measure as well
  --cache DIR   where rewritten weights are kept (default: as of loupe)
  --only TEXT   cases whose name contains it`,
  options: { from: { type: 'string' }, gguf: { type: 'string' }, cache: { type: 'string' }, only: { type: 'string' } },
  async run(args, { stdout, stderr, signal }) {
    const from = stringOption(args, 'from', tmpdir())
    const gguf = stringOption(args, 'gguf')
    const only = stringOption(args, 'only', '')
    const cacheDirectory = stringOption(args, 'cache')
    const cases = [
      held('embedded model', embeddedModelDirectory()),
      held('embedded model, int4', embeddedModelDirectory(), 'int4'),
      held('270m, float32 file', join(from, 'loupe-random-270m-f32')),
      held('270m, widened', join(from, SMALL)),
      held('270m, bf16', join(from, SMALL), 'bf16'),
      held('270m, int8', join(from, SMALL), 'int8'),
      held('270m, int4', join(from, SMALL), 'int4'),
      ...(gguf === undefined ? [] : [held('GGUF', gguf)]),
      held('1b, int8', join(from, MIDDLE), 'int8'),
      held('1b, int4', join(from, MIDDLE), 'int4'),
      held('4b, int4, vision int8', join(from, 'loupe-random-4b-bf16'), 'int4'),
    ]
    stdout.write(`${row(['model', 'own', '', '', 'resident', '', '', 'peak', '', '', 'load ms'])}\n`)
    for (const { name, path, load } of cases) {
      if (!name.includes(only) || !existsSync(path)) continue
      signal.throwIfAborted()
      stderr.write(`${name}\n`)
      stdout.write(`${row([name, ...(await compare(path, { ...load, ...(cacheDirectory && { cacheDirectory }) }))])}\n`)
    }
  },
})

type LoadOptions = ModelToMeasure['load']

async function compare(path: string, load: LoadOptions): Promise<string[]> {
  const capacityTokens = 1 + PROMPT_TOKENS + DECODED_TOKENS
  const { memory } = await planModel(path, { ...load, capacityTokens })
  const work = { path, load, capacityTokens, promptTokens: PROMPT_TOKENS, decodedTokens: DECODED_TOKENS }
  // A process that has packed weights keeps some of the memory that it took.
  await measure({ ...work, isOnlyOpened: true })
  const steps = await measure({ ...work, hasPicture: true })
  const last = steps.at(-1)?.memory ?? { anonymous: 0, file: 0 }
  const peak = Math.max(...steps.map(({ peakOwnBytes }) => peakOwnBytes))
  const { resting } = memory
  const loadMs = steps.find(({ step }) => step === 'first token')?.wallMs ?? 0
  return [
    ...ratio(resting.ownBytes, last.anonymous),
    ...ratio(resting.ownBytes + resting.pageBytes, last.anonymous + last.file),
    ...ratio(memory.peak.ownBytes, peak),
    String(Math.round(loadMs)),
  ]
}

/** The steps of a process of its own. */
async function measure(target: ModelToMeasure): Promise<MeasuredStep[]> {
  const script = fileURLToPath(new URL('./measured-model.ts', import.meta.url))
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', script, JSON.stringify(target)])
  const lines = stdout.trim().split('\n')
  // Written by the script that was started.
  return lines.map((line) => JSON.parse(line) as MeasuredStep)
}

function ratio(predicted: number, measured: number): string[] {
  const megabytes = [predicted, measured].map((bytes) => String(Math.round(bytes / 1e6)))
  return [...megabytes, (predicted / measured).toFixed(2)]
}

function row([name = '', ...cells]: readonly string[]): string {
  return [name.padEnd(24), ...cells.map((cell) => cell.padStart(8))].join(' ')
}
