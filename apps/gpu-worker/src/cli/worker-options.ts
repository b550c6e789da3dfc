import { AppError } from '@loupe/shared/errors'
import type { StartWorkerOptions } from '../start-worker.ts'
import { type CliArguments, type Command, stringOption } from './command.ts'
import { MODEL_OPTIONS, MODEL_OPTIONS_HELP, readModelOptions } from './model-options.ts'

/** Options of every command that writes prompts. */
export const TEMPLATE_OPTIONS = { 'chat-template': { type: 'string' } } as const satisfies Command['options']

/** Options of every command that starts a worker. */
export const WORKER_OPTIONS = {
  ...MODEL_OPTIONS,
  ...TEMPLATE_OPTIONS,
  name: { type: 'string' },
} as const satisfies Command['options']

/** The lines of {@link WORKER_OPTIONS} in a command's help. */
export const WORKER_OPTIONS_HELP = `${MODEL_OPTIONS_HELP}
  --name NAME            the model's name in the API (default: that of its directory, or of its file without .gguf)
  --chat-template NAME   gemma3: write prompts as Gemma 3 does, whatever template the model brings`

/** Options that the worker of a command line has from its user; the rest is the command's. */
export type ChosenOptions = Pick<
  StartWorkerOptions,
  'modelPath' | 'load' | 'chatTemplate' | 'modelName' | 'imageCacheBytes' | 'maxWaiting'
>

const IMAGE_CACHE_BYTES = 512 * 1024 * 1024
const MAX_WAITING = 64

/** Reads {@link WORKER_OPTIONS}. @throws AppError `usage.invalid` */
export async function readWorkerOptions(args: CliArguments): Promise<ChosenOptions> {
  const { path, load } = await readModelOptions(args)
  return {
    modelPath: path,
    load,
    chatTemplate: readTemplateOption(args),
    modelName: stringOption(args, 'name'),
    imageCacheBytes: IMAGE_CACHE_BYTES,
    maxWaiting: MAX_WAITING,
  }
}

/** Reads {@link TEMPLATE_OPTIONS}. @throws AppError `usage.invalid` */
export function readTemplateOption(args: CliArguments): 'gemma3' | undefined {
  const name = stringOption(args, 'chat-template')
  if (name === undefined || name === 'gemma3') return name
  throw new AppError('usage.invalid', `--chat-template: expected gemma3, found "${name}".`)
}
