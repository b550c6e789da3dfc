import { AppError } from '@loupe/shared/errors'
import type { Gemma3Config, TextConfig } from '../gemma3/config.ts'
import type { GenerationConfig } from '../gemma3/generation-config.ts'
import { headWidth, type Stage } from '../gemma3/stage.ts'
import type { FinishReason } from '../generate/stop.ts'
import type { Floats } from '../graph/floats.ts'
import type { ForwardRequest, ForwardResult } from './forward-request.ts'
import type { Gemma3VLModel } from './gemma3-vl-model.ts'
import { type GenerateRequest, generateIds } from './generate-ids.ts'
import { joinShards } from './join-shards.ts'
import type { Pixels } from './pixels.ts'
import { Sequence } from './sequence.ts'
import type { SequenceModel } from './sequence-model.ts'
import { type PoolSize, SequencePool } from './sequence-pool.ts'
import type { ImageStates } from './vision-model.ts'

/** All stages of one model in one process, each on the device of its own runtime. */
export class Pipeline implements Disposable {
  /** Of the whole model. */
  readonly config: Gemma3Config
  /** What the checkpoint says about drawing tokens. */
  readonly generationConfig: GenerationConfig
  /** In the order in which a token passes them. */
  readonly stages: readonly Gemma3VLModel[]
  readonly #first: Gemma3VLModel

  /**
   * @param stages - as {@link splitLayers} orders them; they become the pipeline's own
   * @throws AppError `request.invalid` when a layer is missing or comes twice
   */
  constructor(stages: readonly Gemma3VLModel[]) {
    const [first] = stages
    if (
      first === undefined ||
      !isChain(
        stages.map(({ stage }) => stage),
        first.config.text,
      )
    ) {
      const found = stages.map(({ stage }) => `${stage.firstLayer} to ${stage.endLayer - 1}`).join(', ') || 'none'
      throw new AppError('request.invalid', `Expected all stages of one model in order, found layers ${found}.`)
    }
    this.config = first.config
    this.generationConfig = first.generationConfig
    this.stages = stages
    this.#first = first
  }

  /** As {@link Gemma3VLModel.getImageFeatures}, of the first stage. */
  async getImageFeatures(pixels: Pixels, options: { signal?: AbortSignal } = {}): Promise<Floats<'n m d'>> {
    return this.#first.getImageFeatures(pixels, options)
  }

  /** As {@link Gemma3VLModel.getImageStates}, of the first stage. */
  async getImageStates(pixels: Pixels, options: { signal?: AbortSignal } = {}): Promise<ImageStates> {
    return this.#first.getImageStates(pixels, options)
  }

  /** As {@link Gemma3VLModel.forward} of the unsplit model: hidden states go from stage to stage. */
  async forward(request: ForwardRequest): Promise<ForwardResult> {
    let result = await this.#first.forward(request)
    const hiddenStates = [...result.hiddenStates]
    const shards: ForwardResult[] = []
    let { hidden } = result
    for (const model of this.stages.slice(1)) {
      model.setInputTensor(hidden)
      result = await model.forward(request)
      // Every shard of a head begins with the same norm.
      if (shards.length === 0) hiddenStates.push(...result.hiddenStates)
      if (model.stage.vocabulary === undefined) hidden = result.hidden
      else shards.push(result)
    }
    const head = shards.length === 0 ? {} : joinShards(shards, this.#shardWidths(), request)
    return { ...result, ...head, hiddenStates }
  }

  /**
   * An empty sequence with a cache on every stage, each of its own layers.
   *
   * @param options - `capacityTokens`: the longest it can become
   * @throws AppError `prompt.too_long` when that is more than the model was trained for
   */
  startSequence({ capacityTokens }: { readonly capacityTokens: number }): Sequence {
    return new Sequence(this.#sequenceModel(), capacityTokens)
  }

  /** As {@link Gemma3VLModel.openPool}, with a cache on every stage, each of its own layers. */
  openPool(size: PoolSize): SequencePool {
    return new SequencePool(this.#sequenceModel(), size)
  }

  /** As {@link Gemma3VLModel.generate}, over all stages. */
  generate(request: GenerateRequest): AsyncGenerator<number, FinishReason, void> {
    return generateIds(this, request)
  }

  [Symbol.dispose](): void {
    for (const stage of this.stages) stage[Symbol.dispose]()
  }

  #sequenceModel(): SequenceModel {
    return { config: this.config, stages: this.stages.map(({ languageModel }) => languageModel) }
  }

  #shardWidths(): number[] {
    const shards = this.stages.filter(({ stage }) => stage.vocabulary !== undefined)
    return shards.map(({ stage, config }) => headWidth(stage, config.text))
  }
}

/** Whether every stage begins where the one before ended, from the first layer to the last, and every id has a head. */
function isChain(stages: readonly Stage[], { layers, vocabSize }: TextConfig): boolean {
  const isJoined = stages.every(({ firstLayer }, index) => firstLayer === (stages[index - 1]?.endLayer ?? 0))
  const heads = stages.filter(({ postProcess }) => postProcess)
  const shards = heads.map(({ vocabulary = { firstId: 0, endId: vocabSize } }) => vocabulary)
  const isWhole = shards.every(({ firstId }, index) => firstId === (shards[index - 1]?.endId ?? 0))
  return isJoined && stages.at(-1)?.endLayer === layers && isWhole && shards.at(-1)?.endId === vocabSize
}
