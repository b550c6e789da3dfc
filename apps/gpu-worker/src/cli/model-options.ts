import { WEIGHT_DTYPES, type WeightDType } from '@loupe/model'
import type { LoadOptions } from '@loupe/model/node'
import { AppError } from '@loupe/shared/errors'
import { type CliArguments, type Command, integerOption, stringOption } from './command.ts'
import { existingPath, modelPath } from './model-path.ts'

/** Options of every command that loads a model. */
export const MODEL_OPTIONS = {
  model: { type: 'string' },
  mmproj: { type: 'string' },
  dtype: { type: 'string' },
  'vision-dtype': { type: 'string' },
  activations: { type: 'string' },
  cache: { type: 'string' },
  device: { type: 'string' },
  threads: { type: 'string' },
} as const satisfies Command['options']

/** The lines of {@link MODEL_OPTIONS} in a command's help. */
export const MODEL_OPTIONS_HELP = `  --model PATH           a checkpoint in Hugging Face layout, or a GGUF language model (default: the embedded model)
  --mmproj FILE          the vision tower and projector that belong to a GGUF language model
  --dtype DTYPE          how the weights are held in memory: f32, bf16, f16, int8 or int4 (default: as they are stored)
  --vision-dtype DTYPE   the same for the vision tower (default: as --dtype, but int8 where that is int4)
  --activations A        what blocks of weights are multiplied with: int8 or float32 (default: int8)
  --cache DIR            where rewritten weights are kept (default: $LOUPE_CACHE, $XDG_CACHE_HOME/loupe or ~/.cache/loupe)
  --device DEVICE        where to compute: cpu, cuda or webgpu (default: cpu)
  --threads N            threads of one run (default: one for each core)`

const DEVICES = ['cpu', 'cuda', 'webgpu'] as const
const ACTIVATIONS = ['int8', 'float32'] as const
const MOST_THREADS = 1024

/** A model as a command line names it. */
export interface ModelChoice {
  /** A directory, or a `.gguf`. */
  readonly path: string
  /** For `loadGemma3VL` and `loadPipeline`. */
  readonly load: Omit<LoadOptions, 'onProgress' | 'signal'>
}

/** Reads {@link MODEL_OPTIONS}. @throws AppError `usage.invalid` */
export async function readModelOptions(args: CliArguments): Promise<ModelChoice> {
  const language = choice(args, 'dtype', WEIGHT_DTYPES)
  const vision = choice(args, 'vision-dtype', WEIGHT_DTYPES) ?? visionDType(language)
  const threads = integerOption(args, 'threads', 0, [0, MOST_THREADS])
  const load = {
    dtype: defined({ language, vision }),
    mmproj: await existingPath(args, 'mmproj'),
    activations: choice(args, 'activations', ACTIVATIONS),
    cacheDirectory: stringOption(args, 'cache'),
    device: choice(args, 'device', DEVICES),
    threads: threads === 0 ? undefined : threads,
  }
  return { path: await modelPath(args), load: defined(load) }
}

/** A tower in four bits sees too little; its weights are a tenth of the model's. */
function visionDType(language: WeightDType | undefined): WeightDType | undefined {
  return language === 'int4' ? 'int8' : language
}

function choice<const Name extends string>(
  args: CliArguments,
  option: string,
  offered: readonly Name[],
): Name | undefined {
  const value = stringOption(args, option)
  if (value === undefined) return undefined
  const found = offered.find((name) => name === value)
  if (found !== undefined) return found
  throw new AppError('usage.invalid', `--${option}: expected ${offered.join(', ')}, found "${value}".`)
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> }

/** Without the keys that hold nothing: "not given" and "given as undefined" are different things to a strict reader. */
function defined<T extends object>(options: T): Defined<T> {
  // Every value that is left is not undefined.
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Defined<T>
}
