import { basename, dirname } from 'node:path'
import { AppError } from '@loupe/shared/errors'
import { type BoundWeights, bindWeights } from '../gemma3/bind-weights.ts'
import { readModelConfig } from '../gemma3/config-files.ts'
import type { TensorSource } from '../gemma3/parameters.ts'
import { Gemma3VLModel } from '../pipeline/gemma3-vl-model.ts'
import { throwIfCancelled } from '../runtime/cancellation.ts'
import { OrtRuntime, type OrtRuntimeOptions } from '../runtime/index.ts'
import { openCheckpoint } from '../weights/checkpoint.ts'
import { type CheckpointFiles, checkpointFiles } from './checkpoint-files.ts'

/** Options of {@link loadGemma3VL}. */
export interface LoadModelOptions {
  readonly device?: 'cpu'
  /** Threads of one run; one for each physical core by default. */
  readonly threads?: number
  readonly signal?: AbortSignal
}

/**
 * Opens a Gemma 3 checkpoint in Hugging Face layout. Reads configs and headers only; weights are mapped from their files
 * when a part of the model is first used.
 *
 * @param directory - with `config.json`, `model.safetensors` or shards, and perhaps `generation_config.json`
 * @throws AppError `config.invalid`, `weights.invalid` naming every fault; `request.cancelled`
 */
export async function loadGemma3VL(directory: string, options: LoadModelOptions = {}): Promise<Gemma3VLModel> {
  const files = await checkpointFiles(directory)
  const { config, generation } = await readModelConfig(files)
  const weights = bindWeights(await openCheckpoint(files), config)
  const { weightsFolder, tensors } = await locateWeights(files, weights)
  throwIfCancelled(options.signal)
  const runtime = new OrtRuntime(runtimeOptions(options))
  return new Gemma3VLModel({ config, tensors, weightsFolder, runtime }, generation)
}

function runtimeOptions({ device, threads }: LoadModelOptions): OrtRuntimeOptions {
  return { ...(device === undefined ? {} : { device }), ...(threads === undefined ? {} : { threads }) }
}

const DTYPES = { F32: 'float32', F16: 'float16', BF16: 'bfloat16' } as const

/**
 * Finds the real files of the weights: the runtime follows no link out of the folder it is given, and hub caches are made
 * of such links.
 */
async function locateWeights(
  files: CheckpointFiles,
  weights: BoundWeights,
): Promise<{ weightsFolder: string; tensors: TensorSource }> {
  const names = [...new Set([...weights.values()].map(({ file }) => file))]
  const paths = new Map(await Promise.all(names.map(async (name) => [name, await files.realPath(name)] as const)))
  const folders = new Set([...paths.values()].map((path) => dirname(path)))
  const [weightsFolder = files.directory] = folders
  if (folders.size > 1) {
    throw new AppError('weights.invalid', `Expected all weights in one folder, found ${[...folders].join(', ')}.`)
  }
  return {
    weightsFolder,
    tensors(name) {
      const weight = weights.get(name)
      if (weight === undefined) throw new AppError('weights.invalid', `Expected a tensor ${name}, found none.`)
      const { dtype, shape, file, offset, bytes } = weight
      return { dtype: DTYPES[dtype], shape, file: basename(paths.get(file) ?? file), offset, bytes }
    },
  }
}
