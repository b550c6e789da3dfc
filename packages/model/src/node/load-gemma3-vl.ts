import { bindWeights } from '../gemma3/bind-weights.ts'
import { type ModelConfig, readModelConfig } from '../gemma3/config-files.ts'
import { Gemma3VLModel } from '../pipeline/gemma3-vl-model.ts'
import type { ModelParts } from '../pipeline/model-parts.ts'
import { Pipeline } from '../pipeline/pipeline.ts'
import { splitLayers } from '../pipeline/split-layers.ts'
import { throwIfCancelled } from '../runtime/cancellation.ts'
import { OrtRuntime, type OrtRuntimeOptions } from '../runtime/index.ts'
import { openCheckpoint } from '../weights/checkpoint.ts'
import { checkpointFiles } from './checkpoint-files.ts'
import type { LoadModelOptions, LoadOptions, LoadPipelineOptions } from './load-options.ts'
import { locateWeights } from './locate-weights.ts'

/**
 * Opens a Gemma 3 checkpoint in Hugging Face layout. Reads configs and headers only; weights are mapped from their files
 * when a part of the model is first used.
 *
 * @param directory - with `config.json`, `model.safetensors` or shards, and perhaps `generation_config.json`
 * @throws AppError `config.invalid`, `weights.invalid` naming every fault; `request.invalid` when the model has no such
 *   stage; `request.cancelled`
 */
export async function loadGemma3VL(directory: string, options: LoadModelOptions = {}): Promise<Gemma3VLModel> {
  const { generation, ...parts } = await openParts(directory, options)
  const runtime = new OrtRuntime(runtimeOptions(options))
  return new Gemma3VLModel({ ...parts, runtime }, generation, options.stage)
}

/**
 * Opens a checkpoint as all the stages of a pipeline, as {@link loadGemma3VL} opens one.
 *
 * @throws AppError as {@link loadGemma3VL}; `request.invalid` when the layers cannot be split so
 */
export async function loadPipeline(directory: string, options: LoadPipelineOptions): Promise<Pipeline> {
  const { generation, ...parts } = await openParts(directory, options)
  const stages = splitLayers(parts.config.text.layers, options).map((stage) => {
    const runtime = new OrtRuntime(runtimeOptions(options))
    return new Gemma3VLModel({ ...parts, runtime }, generation, stage)
  })
  return new Pipeline(stages)
}

/** What {@link OrtRuntime} takes of it. */
export function runtimeOptions({ device, threads }: LoadOptions): OrtRuntimeOptions {
  return { ...(device === undefined ? {} : { device }), ...(threads === undefined ? {} : { threads }) }
}

async function openParts(
  directory: string,
  { signal }: LoadOptions,
): Promise<ModelConfig & Omit<ModelParts, 'runtime'>> {
  const files = await checkpointFiles(directory)
  const { config, generation } = await readModelConfig(files)
  const weights = bindWeights(await openCheckpoint(files), config)
  const located = await locateWeights(weights, () => files)
  throwIfCancelled(signal)
  return { config, generation, language: located, vision: config.vision && located }
}
