import type { SamplingParams } from './sampling-params.ts'

/** Changes the scores of tokens that were biased, or that prompt or answer hold already. */
export interface Penalties {
  /** @param logits - `[v]`, changed in place, at the tokens concerned only */
  apply(logits: Float32Array): void
  /** The answer has this token now. */
  accept(id: number): void
  /** The answer has lost its last token, which was this one. */
  undo(id: number): void
}

/**
 * Makes the penalties of one answer; `undefined` if there are none. In vLLM's order: bias, repetition, frequency,
 * presence. As in both references numbers are rounded to float32 after each step.
 *
 * @param promptIds - the ids that stand before the answer
 * @see `RepetitionPenaltyLogitsProcessor` in `generation/logits_process.py` of huggingface/transformers, which looks at
 *   prompt and answer; `apply_penalties` of vLLM, whose other two look at the answer alone, as OpenAI's do
 */
export function createPenalties(params: SamplingParams, promptIds: ReadonlySet<number>): Penalties | undefined {
  const { logitBias: bias = new Map<number, number>(), repetitionPenalty = 1 } = params
  const { frequencyPenalty: frequency = 0, presencePenalty: presence = 0 } = params
  if (bias.size === 0 && repetitionPenalty === 1 && frequency === 0 && presence === 0) return undefined
  const counts = new Map<number, number>()
  return {
    apply(logits) {
      for (const [id, value] of bias) change(logits, id, (logit) => logit + value)
      if (repetitionPenalty !== 1) repel(logits, promptIds, counts, Math.fround(repetitionPenalty))
      for (const [id, count] of counts) {
        change(logits, id, (logit) => logit - Math.fround(Math.fround(frequency) * count))
        change(logits, id, (logit) => logit - Math.fround(presence))
      }
    },
    accept(id) {
      counts.set(id, (counts.get(id) ?? 0) + 1)
    },
    undo(id) {
      const left = (counts.get(id) ?? 0) - 1
      if (left > 0) counts.set(id, left)
      else counts.delete(id)
    },
  }
}

function repel(
  logits: Float32Array,
  prompt: ReadonlySet<number>,
  counts: ReadonlyMap<number, number>,
  penalty: number,
): void {
  // Away from likely on either side of 0, once however often the token stands there.
  const less = (logit: number) => (logit < 0 ? logit * penalty : logit / penalty)
  for (const id of prompt) change(logits, id, less)
  for (const id of counts.keys()) if (!prompt.has(id)) change(logits, id, less)
}

/** Prompts hold ids that no answer may hold: the places of pictures. */
function change(logits: Float32Array, id: number, how: (logit: number) => number): void {
  const logit = logits[id]
  if (logit !== undefined) logits[id] = how(logit)
}
