import { AppError } from '@loupe/shared/errors'
import type { TensorSource } from '../gemma3/parameters.ts'
import { type ProjectorSizes, projectorGraph } from '../gemma3/projector.ts'
import type { Floats } from '../graph/floats.ts'
import type { RunOptions, Runtime } from '../graph/runtime.ts'
import { LazySession } from './lazy-session.ts'
import { loadPart } from './load-part.ts'
import type { ComputePolicy, WeightsPart } from './model-parts.ts'

/** Where the weights of a projector lie, and what computes. */
export interface ProjectorParts {
  /** Its matrix and its norm, perhaps among others. */
  readonly weights: WeightsPart
  /** What computes; it stays the caller's. */
  readonly runtime: Runtime
  /** How to compute, where there is a choice. */
  readonly policy?: ComputePolicy
}

/** The released 4B model's. */
const DEFAULTS: ProjectorSizes = {
  inputSize: 1152,
  hiddenSize: 2560,
  imageSize: 896,
  patchDim: 14,
  tokensPerImage: 256,
  layernormEpsilon: 1e-6,
}

/**
 * The sizes of a projector; those of the released 4B model wherever nothing else is said.
 *
 * @see https://github.com/NVIDIA-NeMo/Megatron-Bridge `Gemma3VLMultimodalProjectorConfig`
 */
export class Gemma3VLMultimodalProjectorConfig implements ProjectorSizes {
  readonly inputSize: number
  readonly hiddenSize: number
  readonly imageSize: number
  readonly patchDim: number
  readonly tokensPerImage: number
  readonly layernormEpsilon: number

  /** @throws AppError `request.invalid` when the patches of a picture cannot be pooled into that many squares */
  constructor(sizes: Partial<ProjectorSizes> = {}) {
    const { inputSize, hiddenSize, imageSize, patchDim, tokensPerImage, layernormEpsilon } = { ...DEFAULTS, ...sizes }
    const perSide = imageSize / patchDim
    if (!Number.isInteger(perSide) || !Number.isInteger(perSide / Math.sqrt(tokensPerImage)) || perSide < 1) {
      const expected = `Expected ${perSide} × ${perSide} patches that make a square of whole squares`
      throw new AppError('request.invalid', `${expected}, found ${tokensPerImage} squares.`)
    }
    this.inputSize = inputSize
    this.hiddenSize = hiddenSize
    this.imageSize = imageSize
    this.patchDim = patchDim
    this.tokensPerImage = tokensPerImage
    this.layernormEpsilon = layernormEpsilon
  }

  /** A projector of these sizes. Its weights are read when it is first used. */
  configureModel(parts: ProjectorParts): Gemma3VLMultimodalProjector {
    return new Gemma3VLMultimodalProjector(this, parts)
  }
}

/**
 * The projector on its own, in a session that holds nothing else.
 *
 * @see https://github.com/NVIDIA-NeMo/Megatron-Bridge `Gemma3VLMultimodalProjector`
 */
export class Gemma3VLMultimodalProjector implements Disposable {
  /** Its sizes. */
  readonly config: Gemma3VLMultimodalProjectorConfig
  readonly #runtime: Runtime
  readonly #session: LazySession

  /** Its weights are read when it is first used. */
  constructor(config: Gemma3VLMultimodalProjectorConfig, { weights, runtime, policy }: ProjectorParts) {
    this.config = config
    this.#runtime = runtime
    const build = (source: TensorSource) => projectorGraph(config, source, policy)
    this.#session = new LazySession(async () => loadPart(runtime, weights, build))
  }

  /**
   * From what the tower gives to image features: pool, norm, one matrix.
   *
   * @param x - `[n·p·d of the tower]` float32, after the tower's closing norm; n pictures of 4,096 patches, 1,152 wide,
   *   in the released models
   * @returns `[n·m·d of the language model]` float32: 256 features a picture
   * @throws AppError `tensor.invalid` when `x` is not a whole number of pictures, or none; `request.cancelled`
   */
  async forward(x: Floats<'n p d'>, options: RunOptions = {}): Promise<Floats<'n m d'>> {
    const { inputSize, hiddenSize, imageSize, patchDim, tokensPerImage } = this.config
    const patchCount = (imageSize / patchDim) ** 2
    const count = x.length / (patchCount * inputSize)
    if (!Number.isInteger(count) || count === 0) {
      const expected = `[n, ${patchCount}, ${inputSize}]`
      throw new AppError('tensor.invalid', `vision states: expected ${expected}, found ${x.length} numbers.`)
    }
    const session = await this.#session.get()
    const features = new Float32Array(count * tokensPerImage * hiddenSize)
    using states = this.#runtime.wrap('float32', [count, patchCount, inputSize], x)
    using result = this.#runtime.wrap('float32', [count, tokensPerImage, hiddenSize], features)
    using binding = session.bind().input('last_hidden_state', states).output('image_features', result)
    await binding.run(options)
    return features
  }

  [Symbol.dispose](): void {
    this.#session[Symbol.dispose]()
  }
}
