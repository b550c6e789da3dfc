import { bindWeights } from '../gemma3/bind-weights.ts'
import { readModelConfig } from '../gemma3/config-files.ts'
import { Gemma3VLModel } from '../pipeline/gemma3-vl-model.ts'
import { throwIfCancelled } from '../runtime/cancellation.ts'
import { OrtRuntime, type OrtRuntimeOptions } from '../runtime/index.ts'
import { openCheckpoint } from '../weights/checkpoint.ts'
import { checkpointFiles } from './checkpoint-files.ts'
import { locateWeights } from './locate-weights.ts'

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
  const { weightsFolder, tensors } = await locateWeights(weights, () => files)
  throwIfCancelled(options.signal)
  const runtime = new OrtRuntime(runtimeOptions(options))
  return new Gemma3VLModel({ config, tensors, weightsFolder, runtime }, generation)
}

/** What {@link OrtRuntime} takes of it. */
export function runtimeOptions({ device, threads }: LoadModelOptions): OrtRuntimeOptions {
  return { ...(device === undefined ? {} : { device }), ...(threads === undefined ? {} : { threads }) }
}
