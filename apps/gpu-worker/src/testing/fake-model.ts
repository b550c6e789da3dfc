import { setImmediate } from 'node:timers/promises'
import { type Gemma3Config, type GenerationConfig, parseGemma3Config } from '@loupe/model'
import type { GenerativeModel, PoolSize } from '../engine/model.ts'
import { abortable } from './abortable.ts'
import { FakePool } from './fake-pool.ts'

/** Token ids of the fake vocabulary. */
export const FAKE_IDS = { vocab: 64, eos: 1, bos: 2, image: 60, boi: 61, eoi: 62 } as const

/** Sizes of the fake model. The geometry of pictures is the real one. */
export const FAKE_SIZES = { tokensPerImage: 256, hidden: 2, context: 2048 } as const

/** One call of the model. */
export type FakeStep = 'vision' | 'prefill' | 'decode'

/**
 * A model without weights: by default it says a fixed answer, token by token, and counts what was asked of it. Each step
 * takes a turn of the event loop, as a run of the real one does, and may be held up by the test.
 */
export class FakeModel implements GenerativeModel {
  readonly config: Gemma3Config = fakeConfig()
  readonly generationConfig: GenerationConfig = {
    eosTokenIds: [FAKE_IDS.eos],
    doSample: false,
    temperature: 1,
    topK: 0,
    topP: 1,
  }
  readonly steps: Record<FakeStep, number> = { vision: 0, prefill: 0, decode: 0 }
  readonly pools: FakePool[] = []
  isDisposed = false
  /** What it says before its end token. */
  answer: readonly number[] = [10, 11, 12]
  /** Awaited by every step; the test decides when it goes on or that it fails. */
  hold: (step: FakeStep) => Promise<unknown> = () => Promise.resolve()

  async getImageFeatures(patches: Uint8Array, { signal }: { signal?: AbortSignal } = {}): Promise<Float32Array> {
    await this.#step('vision', signal)
    return new Float32Array(FAKE_SIZES.tokensPerImage * FAKE_SIZES.hidden).fill(patches[0] ?? 0)
  }

  openPool(size: PoolSize): FakePool {
    const pool = new FakePool({
      ...size,
      imageTokenId: FAKE_IDS.image,
      tokensPerImage: FAKE_SIZES.tokensPerImage,
      next: (_, answered) => oneHot(this.answer[answered] ?? FAKE_IDS.eos),
      step: (step, signal) => this.#step(step, signal),
      isMovable: true,
      keptTokens: size.capacityTokens,
    })
    this.pools.push(pool)
    return pool
  }

  /** First token of every prompt, in the order in which they began. */
  get promptsBegun(): number[] {
    const begun = this.pools.flatMap(({ chunks }) => chunks.filter(({ from }) => from === 0))
    return begun.map(({ ids }) => ids[0] ?? -1)
  }

  /** Slots of all pools that hold anything. */
  get heldSlots(): number {
    return this.pools.reduce((sum, { heldSlots }) => sum + heldSlots, 0)
  }

  [Symbol.dispose](): void {
    this.isDisposed = true
  }

  async #step(step: FakeStep, signal: AbortSignal | undefined): Promise<void> {
    this.steps[step]++
    await abortable(Promise.all([setImmediate(), this.hold(step)]), signal)
  }
}

function oneHot(id: number): Float32Array {
  const logits = new Float32Array(FAKE_IDS.vocab)
  logits[id] = 10
  return logits
}

function fakeConfig(): Gemma3Config {
  return parseGemma3Config({
    model_type: 'gemma3',
    image_token_index: FAKE_IDS.image,
    boi_token_index: FAKE_IDS.boi,
    eoi_token_index: FAKE_IDS.eoi,
    bos_token_id: FAKE_IDS.bos,
    eos_token_id: FAKE_IDS.eos,
    mm_tokens_per_image: FAKE_SIZES.tokensPerImage,
    text_config: {
      model_type: 'gemma3_text',
      vocab_size: FAKE_IDS.vocab,
      hidden_size: FAKE_SIZES.hidden,
      max_position_embeddings: FAKE_SIZES.context,
    },
    vision_config: { model_type: 'siglip_vision_model', image_size: 896, patch_size: 14 },
  })
}
