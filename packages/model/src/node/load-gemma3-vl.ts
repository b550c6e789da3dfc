import { wholeModel } from '../gemma3/stage.ts'
import type { Device } from '../graph/runtime.ts'
import { assignDevices } from '../pipeline/assign-devices.ts'
import { Gemma3VLModel } from '../pipeline/gemma3-vl-model.ts'
import type { ModelParts } from '../pipeline/model-parts.ts'
import { Pipeline } from '../pipeline/pipeline.ts'
import { splitModel } from '../pipeline/split-layers.ts'
import { throwIfCancelled } from '../runtime/cancellation.ts'
import { OrtRuntime } from '../runtime/index.ts'
import type { LoadModelOptions, LoadOptions, LoadPipelineOptions, StageDevice } from './load-options.ts'
import { type ModelSource, openModelSource } from './model-source.ts'
import { planParts } from './plan-model.ts'
import { openPart } from './weights-part.ts'

/**
 * Opens a Gemma 3: a checkpoint in Hugging Face layout, or a GGUF file. Reads configs and headers; weights are mapped
 * from their files when a part of the model is first used. A part that is wanted in another type than it is stored in,
 * and the blocks of a GGUF, are rewritten first: once, into the weight cache, from which later starts read.
 *
 * @param path - a directory with `config.json`, `model.safetensors` or shards, and perhaps `generation_config.json`; or
 *   the `.gguf` of a language model, see `options.mmproj`
 * @throws AppError `config.invalid`, `weights.invalid` naming every fault; `cache.unusable` when rewritten weights cannot
 *   be kept; `request.invalid` when the model has no such stage, or `mmproj` is given beside a directory;
 *   `runtime.failed` when the device is not available; `request.cancelled`
 */
export async function loadGemma3VL(path: string, options: LoadModelOptions = {}): Promise<Gemma3VLModel> {
  const source = await openModelSource(path, options.mmproj)
  const { preProcess } = options.stage ?? wholeModel(source.config.text)
  const { device = 'cpu' } = options
  const parts = await openParts(source, options, preProcess ? device : undefined)
  const runtime = new OrtRuntime(deviceOf(options))
  return new Gemma3VLModel({ ...parts, runtime }, source.generation, options.stage)
}

/**
 * Opens a model as all the stages of a pipeline, as {@link loadGemma3VL} opens one.
 *
 * @throws AppError as {@link loadGemma3VL}; `request.invalid` when the layers cannot be split so
 */
export async function loadPipeline(path: string, options: LoadPipelineOptions): Promise<Pipeline> {
  const source = await openModelSource(path, options.mmproj)
  const stages = splitModel(source.config.text, options)
  const { devices = Array.from({ length: options.stages ?? 1 }, () => deviceOf(options)) } = options
  // A device that cannot be had is better known before weights are rewritten.
  const runtimes = devices.map((device) => new OrtRuntime(device))
  const placed = assignDevices(stages, options, runtimes)
  const parts = await openParts(source, options, devices[0]?.device ?? 'cpu')
  return new Pipeline(
    placed.map(([stage, runtime]) => new Gemma3VLModel({ ...parts, runtime }, source.generation, stage)),
  )
}

/** @param visionDevice - what computes the vision tower, if it is wanted */
async function openParts(
  source: ModelSource,
  options: LoadOptions,
  visionDevice: Device | undefined,
): Promise<Omit<ModelParts, 'runtime'>> {
  const { activations, cacheDirectory, onProgress, signal } = options
  const cache = { cacheDirectory, onProgress, signal }
  throwIfCancelled(signal)
  const { language, vision } = planParts(source, options, visionDevice)
  return {
    config: source.config,
    language: await openPart(language, cache),
    vision: vision && (await openPart(vision, cache)),
    ...(activations === undefined ? {} : { policy: { activations } }),
  }
}

function deviceOf({ device, threads }: LoadOptions): StageDevice {
  return { ...(device === undefined ? {} : { device }), ...(threads === undefined ? {} : { threads }) }
}
