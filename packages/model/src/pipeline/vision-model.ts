import { AppError } from '@loupe/shared/errors'
import type { VisionConfig } from '../gemma3/config.ts'
import { VISION_PREFIX } from '../gemma3/names.ts'
import type { TensorSource } from '../gemma3/parameters.ts'
import { patchGeometry, visionGraph } from '../gemma3/vision.ts'
import type { Floats } from '../graph/floats.ts'
import type { RunOptions, Runtime } from '../graph/runtime.ts'
import { LazySession } from './lazy-session.ts'
import { loadPart } from './load-part.ts'
import { type ModelParts, partOptions, type WeightsPart } from './model-parts.ts'
import { countPictures, type Pixels, patchesOf } from './pixels.ts'

/** What the vision tower and the projector make of n pictures. */
export interface ImageStates {
  /** `[n·p·d of the tower]`, after the closing norm */
  readonly lastHiddenState: Floats<'n p d'>
  /** `[n·m·d of the language model]` */
  readonly imageFeatures: Floats<'n m d'>
}

const SOME_MATRIX = `${VISION_PREFIX}encoder.layers.0.mlp.fc1.weight`

type OutputName = 'last_hidden_state' | 'image_features'

/** The vision tower, in one session with the projector. Pictures go through one at a time. */
export class VisionModel implements Disposable {
  readonly #vision: VisionConfig
  readonly #runtime: Runtime
  readonly #session: LazySession

  /** @param weights - of the tower and the projector */
  constructor(parts: ModelParts, vision: VisionConfig, weights: WeightsPart) {
    const { config, runtime } = parts
    this.#vision = vision
    this.#runtime = runtime
    const build = (source: TensorSource) =>
      visionGraph(config, vision, source, partOptions(parts, weights, SOME_MATRIX))
    this.#session = new LazySession(async () => loadPart(runtime, weights, build))
  }

  /**
   * The tower without the projector.
   *
   * @param pixels - n pictures, bytes or floats as {@link Pixels} says
   * @returns `[n·p·d]`, after the closing norm: 4,096 patches a picture, 1,152 wide, in the released models
   * @throws AppError `tensor.invalid` when `pixels` are not whole pictures; `request.cancelled`
   */
  async forward(pixels: Pixels, options: RunOptions = {}): Promise<Floats<'n p d'>> {
    const [lastHiddenState = NOTHING] = await this.#run(pixels, ['last_hidden_state'], options)
    return lastHiddenState
  }

  /** The tower and the projector: `[n·m·d]`. Arguments and errors as {@link forward}. */
  async features(pixels: Pixels, options: RunOptions = {}): Promise<Floats<'n m d'>> {
    const [imageFeatures = NOTHING] = await this.#run(pixels, ['image_features'], options)
    return imageFeatures
  }

  /** Both. Arguments and errors as {@link forward}. */
  async states(pixels: Pixels, options: RunOptions = {}): Promise<ImageStates> {
    const outputs = ['last_hidden_state', 'image_features'] as const
    const [lastHiddenState = NOTHING, imageFeatures = NOTHING] = await this.#run(pixels, outputs, options)
    return { lastHiddenState, imageFeatures }
  }

  [Symbol.dispose](): void {
    this.#session[Symbol.dispose]()
  }

  async #run(pixels: Pixels, outputs: readonly OutputName[], options: RunOptions): Promise<Float32Array[]> {
    // Before the weights are loaded for it.
    countPictures(pixels, this.#vision)
    const session = await this.#session.get()
    const results: Float32Array[][] = outputs.map(() => [])
    using binding = session.bind()
    for (const name of outputs) binding.outputOnHost(name)
    const { patchCount, patchSamples } = patchGeometry(this.#vision)
    for (const patches of patchesOf(pixels, this.#vision)) {
      using input = this.#runtime.wrap('float32', [1, patchCount, patchSamples], patches)
      // A picture takes a third of a gigabyte, and seconds: it is given back in between.
      await binding.input('patches', input).run({ ...options, releasesMemory: true })
      for (const [index, name] of outputs.entries()) results[index]?.push(floats(binding.read(name).data))
    }
    return results.map(joined)
  }
}

const NOTHING = new Float32Array()

function floats(data: unknown): Float32Array {
  if (data instanceof Float32Array) return data
  throw new AppError('runtime.failed', 'Expected float32 numbers of the vision tower, found another type.')
}

/** One behind the other; a single one as it is. */
function joined(parts: readonly Float32Array[]): Float32Array {
  const [first = NOTHING] = parts
  if (parts.length === 1) return first
  const all = new Float32Array(parts.length * first.length)
  for (const [index, part] of parts.entries()) all.set(part, index * first.length)
  return all
}
