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
  /** Of a head that is split over devices: which rows of the table are here. Such a stage has no layers. */
  readonly vocabulary?: VocabularyShard | undefined
  /** Which of the runs of its device this is, 0-based, where a device has several. */
  readonly vpStage?: number | undefined
}

/** A run of token ids, and so of rows of the embedding table. */
export interface VocabularyShard {
  /** The first id. */
  readonly firstId: number
  /** The id behind the last one. */
  readonly endId: number
}

/** All layers and both ends. */
export function wholeModel({ layers }: TextConfig): Stage {
  return { firstLayer: 0, endLayer: layers, preProcess: true, postProcess: true }
}

/** How many logits a token gets on a stage that has a head. */
export function headWidth({ vocabulary }: Stage, { vocabSize }: Pick<TextConfig, 'vocabSize'>): number {
  return vocabulary === undefined ? vocabSize : vocabulary.endId - vocabulary.firstId
}

/**
 * A stage is a run of layers that begins with the embedding if and only if it has the first of them, and may end with the
 * head if it has the last; or it is a head alone, which may have some of the vocabulary only.
 *
 * @throws AppError `request.invalid` when the model has no such stage
 */
export function checkStage(stage: Stage, { layers, vocabSize }: TextConfig): void {
  const { firstLayer, endLayer, preProcess, postProcess, vocabulary } = stage
  const isInside = isRange(firstLayer, endLayer, layers) && preProcess === (firstLayer === 0)
  const isRun = isInside && firstLayer < endLayer && (!postProcess || endLayer === layers)
  const isHead = isInside && firstLayer === layers && postProcess
  const fits = vocabulary === undefined || (isHead && isShard(vocabulary, vocabSize))
  if ((isRun || isHead) && fits) return
  const expected = `Expected a stage of ${layers} layers with its ends at the first and last one`
  throw new AppError('request.invalid', `${expected}, found ${JSON.stringify(stage)}.`)
}

function isRange(first: number, end: number, most: number): boolean {
  return Number.isInteger(first) && Number.isInteger(end) && first >= 0 && first <= end && end <= most
}

function isShard({ firstId, endId }: VocabularyShard, vocabSize: number): boolean {
  return isRange(firstId, endId, vocabSize) && firstId < endId
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
