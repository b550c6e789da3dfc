import { AppError } from '@loupe/shared/errors'
import type { StartWorkerOptions } from '../start-worker.ts'
import { type CliArguments, type Command, integerOption, stringOption } from './command.ts'
import { MODEL_OPTIONS, MODEL_OPTIONS_HELP, readModelOptions } from './model-options.ts'

const MIB = 1024 * 1024
const IMAGE_CACHE_MB = 512
const PREFIX_CACHE_MB = 1024
const MOST_MB = 1_048_576
/** A draft that is wrong must be forgotten again. */
const MOST_GUESSED = 15
const MAX_WAITING = 64
const SLOTS = 8
const SLOT_TOKENS = 8192
/** A picture with the tokens round it is one chunk. */
const CHUNK_TOKENS = 320

/** Options of every command that writes prompts. */
export const TEMPLATE_OPTIONS = { 'chat-template': { type: 'string' } } as const satisfies Command['options']

/** Options of every command that starts a worker. */
export const WORKER_OPTIONS = {
  ...MODEL_OPTIONS,
  ...TEMPLATE_OPTIONS,
  name: { type: 'string' },
  slots: { type: 'string' },
  'slot-tokens': { type: 'string' },
  'chunk-tokens': { type: 'string' },
  'prefix-cache-mb': { type: 'string' },
  'image-cache-mb': { type: 'string' },
  speculate: { type: 'string' },
} as const satisfies Command['options']

/** The lines of {@link WORKER_OPTIONS} in a command's help. */
export const WORKER_OPTIONS_HELP = `${MODEL_OPTIONS_HELP}
  --name NAME            the model's name in the API (default: that of its directory, or of its file without .gguf)
  --chat-template NAME   gemma3: write prompts as Gemma 3 does, whatever template the model brings
  --slots N              answers that are made at the same time, in one batch (default: ${SLOTS})
  --slot-tokens N        longest prompt and answer together (default: ${SLOT_TOKENS}, or the model's context if that is less)
  --chunk-tokens N       most tokens of other prompts that an answer waits for between two of its own (default: ${CHUNK_TOKENS})
  --prefix-cache-mb N    memory for earlier conversations, which go on without being computed again; 0: none (default: ${PREFIX_CACHE_MB})
  --image-cache-mb N     memory for pictures that have been looked at; 0: none (default: ${IMAGE_CACHE_MB})
  --speculate HOW        off, auto, or how many tokens are guessed from what was said before and computed in one run, for
                         an answer that is alone; auto guesses while that is faster (default: auto)`

/** Options that the worker of a command line has from its user; the rest is the command's. */
export type ChosenOptions = Pick<
  StartWorkerOptions,
  | 'modelPath'
  | 'load'
  | 'chatTemplate'
  | 'modelName'
  | 'imageCacheBytes'
  | 'prefixCacheBytes'
  | 'speculate'
  | 'maxWaiting'
  | 'slots'
  | 'slotTokens'
  | 'chunkTokens'
>

/** Reads {@link WORKER_OPTIONS}. @throws AppError `usage.invalid` */
export async function readWorkerOptions(args: CliArguments): Promise<ChosenOptions> {
  const { path, load } = await readModelOptions(args)
  return {
    modelPath: path,
    load,
    chatTemplate: readTemplateOption(args),
    modelName: stringOption(args, 'name'),
    imageCacheBytes: MIB * integerOption(args, 'image-cache-mb', IMAGE_CACHE_MB, [0, MOST_MB]),
    prefixCacheBytes: MIB * integerOption(args, 'prefix-cache-mb', PREFIX_CACHE_MB, [0, MOST_MB]),
    speculate: readSpeculate(args),
    maxWaiting: MAX_WAITING,
    slots: integerOption(args, 'slots', SLOTS, [1, 256]),
    slotTokens: integerOption(args, 'slot-tokens', SLOT_TOKENS, [16, 1_048_576]),
    chunkTokens: integerOption(args, 'chunk-tokens', CHUNK_TOKENS, [16, 65_536]),
  }
}

function readSpeculate(args: CliArguments): number | 'auto' {
  const how = stringOption(args, 'speculate', 'auto')
  if (how === 'auto') return how
  const tokens = how === 'off' ? 0 : Number(how)
  if (how === 'off' || (Number.isInteger(tokens) && tokens >= 1 && tokens <= MOST_GUESSED)) return tokens
  const expected = `off, auto or a whole number from 1 to ${MOST_GUESSED}`
  throw new AppError('usage.invalid', `--speculate takes ${expected}, not "${how}".`)
}

/** Reads {@link TEMPLATE_OPTIONS}. @throws AppError `usage.invalid` */
export function readTemplateOption(args: CliArguments): 'gemma3' | undefined {
  const name = stringOption(args, 'chat-template')
  if (name === undefined || name === 'gemma3') return name
  throw new AppError('usage.invalid', `--chat-template: expected gemma3, found "${name}".`)
}
