import { AppError } from '@loupe/shared/errors'
import type { TextConfig } from '../gemma3/config.ts'
import type { Stage } from '../gemma3/stage.ts'

/** How {@link splitLayers} cuts a model. */
export interface LayerSplit {
  /** S: how many devices share the model; 1 by default. */
  readonly stages?: number
  /** V: how many runs of layers each of them takes; 1 by default. */
  readonly virtualStages?: number
  /** `[S·V - 1]` the first layer of every run but the first. By default the runs are even, longer ones first. */
  readonly boundaries?: readonly number[]
}

/**
 * Cuts a model into S·V runs of layers. They come in the order in which a token passes them: run c is on device c mod S,
 * as its virtual stage ⌊c/S⌋, as in Megatron's interleaved schedule.
 *
 *     8 layers, S = 2, V = 2      device 0   0 1 . . 4 5 . .
 *                                 device 1   . . 2 3 . . 6 7
 *
 * @param layers - of the language model
 * @throws AppError `request.invalid` when a run would have no layer
 */
export function splitLayers(layers: number, split: LayerSplit): Stage[] {
  const { stages = 1, virtualStages = 1 } = split
  const count = stages * virtualStages
  if (!isCount(stages) || !isCount(virtualStages) || count > layers) {
    const found = virtualStages === 1 ? `${stages}` : `${stages} × ${virtualStages}`
    throw new AppError('request.invalid', `Expected 1 to ${layers} stages for as many layers, found ${found}.`)
  }
  const { boundaries = evenBoundaries(layers, count) } = split
  checkBoundaries(boundaries, layers, count)
  const starts = [0, ...boundaries]
  return starts.map((firstLayer, index) => ({
    firstLayer,
    endLayer: starts[index + 1] ?? layers,
    preProcess: index === 0,
    postProcess: index === count - 1,
    vpStage: virtualStages === 1 ? undefined : Math.floor(index / stages),
  }))
}

function isCount(value: number): boolean {
  return Number.isInteger(value) && value >= 1
}

function evenBoundaries(layers: number, count: number): number[] {
  return Array.from({ length: count - 1 }, (_, index) => Math.ceil(((index + 1) * layers) / count))
}

function checkBoundaries(boundaries: readonly number[], layers: number, count: number): void {
  const isRising = boundaries.every((start, index) => isCount(start) && start > (boundaries[index - 1] ?? 0))
  if (isRising && boundaries.length === count - 1 && (boundaries.at(-1) ?? 0) < layers) return
  const expected = `Expected ${count - 1} rising boundaries from 1 to ${layers - 1}`
  throw new AppError('request.invalid', `${expected}, found [${boundaries.join(', ')}].`)
}

/** How {@link splitModel} cuts a model. */
export interface ModelSplit extends LayerSplit {
  /** Over how many devices the head is split; 1 by default: the stage with the last layer keeps it. */
  readonly headShards?: number
}

/**
 * As {@link splitLayers}, and where the head is split too, its shards behind them: even runs of the vocabulary, longer
 * ones first. They stand side by side, each reading what the last layer gives.
 *
 * @throws AppError `request.invalid` when a run would have no layer, or a shard no row
 */
export function splitModel(
  { layers, vocabSize }: Pick<TextConfig, 'layers' | 'vocabSize'>,
  split: ModelSplit,
): Stage[] {
  const { headShards = 1 } = split
  if (!isCount(headShards) || headShards > vocabSize) {
    throw new AppError('request.invalid', `Expected 1 to ${vocabSize} shards of the head, found ${headShards}.`)
  }
  const runs = splitLayers(layers, split)
  if (headShards === 1) return runs
  const starts = [0, ...evenBoundaries(vocabSize, headShards)]
  const heads = starts.map((firstId, index) => ({
    firstLayer: layers,
    endLayer: layers,
    preProcess: false,
    postProcess: true,
    vocabulary: { firstId, endId: starts[index + 1] ?? vocabSize },
  }))
  return [...runs.map((run) => ({ ...run, postProcess: false })), ...heads]
}
