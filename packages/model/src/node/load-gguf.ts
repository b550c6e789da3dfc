import { basename, dirname } from 'node:path'
import { AppError } from '@loupe/shared/errors'
import { type GgufSource, type GgufWeight, openGgufModel } from '../gemma3/gguf-model.ts'
import { Gemma3VLModel } from '../pipeline/gemma3-vl-model.ts'
import { throwIfCancelled } from '../runtime/cancellation.ts'
import { OrtRuntime } from '../runtime/index.ts'
import { type FloatDType, isFloatDType } from '../weights/dtype.ts'
import { listed } from '../weights/fault-list.ts'
import { type CheckpointFiles, checkpointFiles } from './checkpoint-files.ts'
import { runtimeOptions } from './load-gemma3-vl.ts'
import type { LoadModelOptions } from './load-options.ts'
import { locateWeights } from './locate-weights.ts'

/** Options of {@link loadGguf}. */
export interface LoadGgufOptions extends LoadModelOptions {
  /** Path of the vision tower and projector; without it the model is text-only. */
  readonly mmproj?: string
}

type FloatWeight = GgufWeight<CheckpointFiles> & { readonly dtype: FloatDType }

/**
 * Opens a Gemma 3 in GGUF whose weights are F32, F16 or BF16. Reads headers only; weights are mapped from the files when
 * a part of the model is first used.
 *
 * @param path - of the language model
 * @throws AppError `config.invalid`, `weights.invalid` naming every fault, a quantised weight among them;
 *   `request.cancelled`
 */
export async function loadGguf(path: string, options: LoadGgufOptions = {}): Promise<Gemma3VLModel> {
  const vision = options.mmproj === undefined ? undefined : await sourceOf(options.mmproj)
  const { config, generation, weights } = await openGgufModel(await sourceOf(path), vision)
  const language = await locateWeights(floatWeights(weights), ({ files }) => files)
  throwIfCancelled(options.signal)
  const runtime = new OrtRuntime(runtimeOptions(options))
  return new Gemma3VLModel({ config, language, vision: config.vision && language, runtime }, generation, options.stage)
}

/** A GGUF file on disk. */
async function sourceOf(path: string): Promise<GgufSource<CheckpointFiles>> {
  return { files: await checkpointFiles(dirname(path)), file: basename(path) }
}

function floatWeights(weights: ReadonlyMap<string, GgufWeight<CheckpointFiles>>): Map<string, FloatWeight> {
  const isFloat = (entry: [string, GgufWeight<CheckpointFiles>]): entry is [string, FloatWeight] => {
    return isFloatDType(entry[1].dtype)
  }
  const quantised = [...weights.values()].filter(({ dtype }) => !isFloatDType(dtype))
  const [fault] = listed(
    'quantised',
    quantised.map(({ name, dtype }) => `${name} (${dtype})`),
  )
  if (fault !== undefined)
    throw new AppError('weights.invalid', `Expected weights of F32, F16 or BF16, found ${fault}.`)
  return new Map([...weights].filter(isFloat))
}
