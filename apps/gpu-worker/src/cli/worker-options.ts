import { stat } from 'node:fs/promises'
import { AppError } from '@loupe/shared/errors'
import type { StartWorkerOptions } from '../start-worker.ts'
import { type CliArguments, type Command, integerOption, stringOption } from './command.ts'
import { modelDirectory } from './model-directory.ts'

/** Options of every command that starts a worker. */
export const WORKER_OPTIONS = {
  model: { type: 'string' },
  name: { type: 'string' },
  device: { type: 'string' },
  dtype: { type: 'string' },
  threads: { type: 'string' },
} as const satisfies Command['options']

/** The lines of {@link WORKER_OPTIONS} in a command's help. */
export const WORKER_OPTIONS_HELP = `  --model DIR      a checkpoint in Hugging Face layout (default: the embedded model)
  --name NAME      the model's name in the API (default: the name of its directory)
  --device DEVICE  where to compute: cpu (default)
  --dtype DTYPE    in what to compute: f32 (default)
  --threads N      threads of one run (default: one for each core)`

/** Options that the worker of a command line has from its user; the rest is the command's. */
export type ChosenOptions = Pick<
  StartWorkerOptions,
  'modelDirectory' | 'modelName' | 'threads' | 'imageCacheBytes' | 'maxWaiting'
>

const IMAGE_CACHE_BYTES = 512 * 1024 * 1024
const MAX_WAITING = 64

/** Reads {@link WORKER_OPTIONS}. @throws AppError `usage.invalid` */
export async function readWorkerOptions(args: CliArguments): Promise<ChosenOptions> {
  choice(args, 'device', ['cpu'], ['cuda', 'webgpu'])
  choice(args, 'dtype', ['f32'], ['f16', 'bf16', 'int8', 'int4'])
  const threads = integerOption(args, 'threads', 0, [0, 1024])
  const directory = await modelDirectory(args)
  if (!(await isDirectory(directory))) throw new AppError('usage.invalid', `--model: ${directory} is no directory.`)
  return {
    modelDirectory: directory,
    modelName: stringOption(args, 'name'),
    threads: threads === 0 ? undefined : threads,
    imageCacheBytes: IMAGE_CACHE_BYTES,
    maxWaiting: MAX_WAITING,
  }
}

async function isDirectory(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  )
}

function choice(args: CliArguments, name: string, offered: readonly string[], known: readonly string[]): void {
  const value = stringOption(args, name)
  if (value === undefined || offered.includes(value)) return
  const why = known.includes(value) ? `${value} is not offered by this version` : `there is no ${name} "${value}"`
  throw new AppError('usage.invalid', `--${name}: ${why}; expected ${offered.join(' or ')}.`)
}
