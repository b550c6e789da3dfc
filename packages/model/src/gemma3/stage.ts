import { AppError } from '@loupe/shared/errors'
import type { Gemma3Config, TextConfig } from './config.ts'
import { decoderLayer, expectedTensors, FINAL_NORM, TOKEN_EMBEDDING } from './names.ts'

/** A run of decoder layers that is computed in one place, and which ends of the model go with it. */
export interface Stage {
  /** The first of its layers, 0-based. */
  readonly firstLayer: number
  /** The layer behind its last one. */
  readonly endLayer: number
  /** Looks at pictures, embeds tokens and puts image features in place. Other stages take hidden states. */
  readonly preProcess: boolean
  /** Ends with the final norm and the head. Other stages give out hidden states. */
  readonly postProcess: boolean
  /** Which of the runs of its device this is, 0-based, where a device has several. */
  readonly vpStage?: number | undefined
}

/** All layers and both ends. */
export function wholeModel({ layers }: TextConfig): Stage {
  return { firstLayer: 0, endLayer: layers, preProcess: true, postProcess: true }
}

/** @throws AppError `request.invalid` when there are no such layers, or an end of the model is not where it belongs */
export function checkStage(stage: Stage, { layers }: TextConfig): void {
  const { firstLayer, endLayer, preProcess, postProcess } = stage
  const isRange = [firstLayer, endLayer].every(Number.isInteger) && firstLayer < endLayer
  const fits = firstLayer >= 0 && endLayer <= layers
  if (isRange && fits && preProcess === (firstLayer === 0) && postProcess === (endLayer === layers)) return
  const expected = `Expected a stage of ${layers} layers with its ends at the first and last one`
  throw new AppError('request.invalid', `${expected}, found ${JSON.stringify(stage)}.`)
}

/**
 * Canonical names of the weights that a stage reads. The embedding table is the head as well: both ends have it.
 *
 * @returns in the order of the model
 */
export function stageTensors(config: Gemma3Config, stage: Stage): string[] {
  return [...expectedTensors(config).keys()].filter((name) => isOfStage(name, stage))
}

function isOfStage(name: string, { firstLayer, endLayer, preProcess, postProcess }: Stage): boolean {
  if (name === TOKEN_EMBEDDING) return preProcess || postProcess
  if (name === FINAL_NORM) return postProcess
  const layer = decoderLayer(name)
  // What is left are the vision tower and the projector.
  return layer === undefined ? preProcess : firstLayer <= layer && layer < endLayer
}
