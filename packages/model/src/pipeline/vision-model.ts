import { AppError } from '@loupe/shared/errors'
import type { VisionConfig } from '../gemma3/config.ts'
import { patchGeometry, visionGraph } from '../gemma3/vision.ts'
import type { Runtime } from '../graph/runtime.ts'
import { LazySession } from './lazy-session.ts'
import type { ModelParts, WeightsPart } from './model-parts.ts'

/** What the vision tower and the projector make of one picture. */
export interface ImageStates {
  /** `[p, d of the tower]`, after the closing norm */
  readonly lastHiddenState: Float32Array
  /** `[m, d of the language model]` */
  readonly imageFeatures: Float32Array
}

/** The vision tower with the projector: from the patches of one picture to its image features. */
export class VisionModel implements Disposable {
  readonly #vision: VisionConfig
  readonly #runtime: Runtime
  readonly #session: LazySession

  /** @param weights - of the tower and the projector */
  constructor({ config, runtime, policy }: ModelParts, vision: VisionConfig, weights: WeightsPart) {
    this.#vision = vision
    this.#runtime = runtime
    const { tensors, weightsFolder } = weights
    const graph = () => visionGraph(config, vision, tensors, policy)
    this.#session = new LazySession(async () => runtime.load(graph(), { weightsFolder }))
  }

  /**
   * Image features of one picture.
   *
   * @param patches - `[p·y·x·channel]` uint8: 4,096 patches of 14 × 14 × 3 in the released models
   * @returns `[m·d]`: 256 features in the width of the language model
   * @throws AppError `tensor.invalid` when `patches` has another size; `request.cancelled`
   */
  async features(patches: Uint8Array, options: { signal?: AbortSignal } = {}): Promise<Float32Array> {
    const { imageFeatures } = await this.#run(patches, ['image_features'], options)
    return imageFeatures
  }

  /** Also what the tower gives to the projector. Arguments and errors as {@link features}. */
  async states(patches: Uint8Array, options: { signal?: AbortSignal } = {}): Promise<ImageStates> {
    return this.#run(patches, ['last_hidden_state', 'image_features'], options)
  }

  [Symbol.dispose](): void {
    this.#session[Symbol.dispose]()
  }

  async #run(patches: Uint8Array, outputs: readonly string[], options: { signal?: AbortSignal }): Promise<ImageStates> {
    const { patchCount, patchBytes } = patchGeometry(this.#vision)
    if (patches.byteLength !== patchCount * patchBytes) {
      const expected = `expected ${patchCount} × ${patchBytes} bytes`
      throw new AppError('tensor.invalid', `patches: ${expected}, found ${patches.byteLength}.`)
    }
    const session = await this.#session.get()
    using input = this.#runtime.wrap('uint8', [1, patchCount, patchBytes], patches)
    using binding = session.bind().input('patches', input)
    for (const name of outputs) binding.outputOnHost(name)
    await binding.run(options)
    const read = (name: string) => (outputs.includes(name) ? binding.read(name).data : undefined)
    return { lastHiddenState: floats(read('last_hidden_state')), imageFeatures: floats(read('image_features')) }
  }
}

function floats(data: unknown): Float32Array {
  return data instanceof Float32Array ? data : new Float32Array(0)
}
