import type { Gemma3Config } from '../gemma3/config.ts'
import { headWidth, type Stage } from '../gemma3/stage.ts'
import type { Batch } from './batch.ts'
import { CachedStage, type StepOutputs } from './cached-stage.ts'
import { cutIntoParts, type ForwardPart, stepOf } from './forward-parts.ts'
import type { ForwardRequest, ForwardResult } from './forward-request.ts'
import type { LanguageModel } from './language-model.ts'
import type { GivenStates } from './prompt-tokens.ts'
import { PART_TOKENS } from './prompt-tokens.ts'
import { IGNORED_LABEL, lossTerms, tokenLoss } from './token-loss.ts'

/** Most tokens of a run that is only there for its loss: 268 MB of logits for the largest vocabulary. */
const LOSS_PART_TOKENS = 256

/** What {@link fullForward} runs. */
export interface ForwardWork {
  readonly config: Gemma3Config
  readonly model: LanguageModel
  readonly request: ForwardRequest
  readonly batch: Batch
  /** On the first stage what does not follow from ids; on others what the stage before gave, `[b·t·d]`. */
  readonly states: GivenStates | Float32Array
}

/** Runs whole sequences through the language model, or through a stage of it, each on an empty cache. */
export async function fullForward(work: ForwardWork): Promise<ForwardResult> {
  const { config, model, batch, request } = work
  const { hiddenStates = false, partTokens = wantsLogits(request) ? PART_TOKENS : LOSS_PART_TOKENS } = request
  const result = emptyResult(work)
  for (const parts of cutIntoParts(batch, config, partTokens)) {
    const rows = parts[0]?.rows ?? 1
    using stage = new CachedStage(model, { rows, slots: { local: batch.tokens, global: batch.tokens }, hiddenStates })
    for (const part of parts) await runPart(work, part, stage, result)
  }
  return { ...result, tokenLoss: wholeLoss(work, result) }
}

async function runPart(work: ForwardWork, part: ForwardPart, on: CachedStage, into: ForwardResult): Promise<void> {
  const { config, request, batch, states } = work
  const { hiddenSize } = config.text
  const width = headWidth(on.stage, config.text)
  const { from, end, rows } = part
  const hidden = hiddenOutputs(on.stage, into).map(([name, data]) => {
    const own = data.subarray(from * hiddenSize, end * hiddenSize)
    return [name, [[rows, (end - from) / rows, hiddenSize], own]] as const
  })
  const scored = on.stage.postProcess ? scoredTokens(request, part) : []
  // Where only the loss is wanted, logits live for this run alone.
  const logits = wantsLogits(request)
    ? into.logits.subarray(from * width, end * width)
    : new Float32Array(scored.length * width)
  const step = { ...stepOf(batch, part, states, config), logitRows: scored.map((token) => token - from) }
  const head: StepOutputs = on.stage.postProcess ? { logits: [[scored.length, width], logits] } : {}
  const { signal } = request
  await on.run(step, { ...Object.fromEntries(hidden), ...head }, signal === undefined ? {} : { signal })
  addLossTerms(work, scored, logits, into)
}

function wantsLogits({ labels, returnLogits = labels === undefined }: ForwardRequest): boolean {
  return returnLogits
}

/** Which of the b·t tokens get logits. */
function scoredTokens(request: ForwardRequest, { from, end }: ForwardPart): number[] {
  const tokens = Array.from({ length: end - from }, (_, index) => from + index)
  if (wantsLogits(request)) return tokens
  return tokens.filter((token) => request.labels?.[token] !== IGNORED_LABEL)
}

function addLossTerms(work: ForwardWork, scored: readonly number[], logits: Float32Array, into: ForwardResult): void {
  const { labels } = work.request
  if (labels === undefined || into.lossTerms === undefined) return
  const own = scored.map((token) => labels[token] ?? IGNORED_LABEL)
  const { logSumExp, labelLogits } = lossTerms(logits, own, work.model.stage.vocabulary?.firstId)
  for (const [index, token] of scored.entries()) {
    into.lossTerms.logSumExp[token] = logSumExp[index] ?? 0
    into.lossTerms.labelLogits[token] = labelLogits[index] ?? 0
  }
}

/** A shard of the head knows its terms only. */
function wholeLoss({ request, model }: ForwardWork, { lossTerms }: ForwardResult): Float32Array | undefined {
  const { labels, lossMask } = request
  if (labels === undefined || lossTerms === undefined || model.stage.vocabulary !== undefined) return undefined
  return tokenLoss([lossTerms], { labels, lossMask })
}

function emptyResult({ config, model, request, batch }: ForwardWork): ForwardResult {
  const { stage } = model
  const count = batch.rows * batch.tokens
  const hidden = () => new Float32Array(count * config.text.hiddenSize)
  const hasLoss = stage.postProcess && request.labels !== undefined
  const hasLogits = stage.postProcess && wantsLogits(request)
  return {
    logits: new Float32Array(hasLogits ? count * headWidth(stage, config.text) : 0),
    logitShards: [],
    hidden: stage.postProcess ? new Float32Array() : hidden(),
    tokenLoss: undefined,
    lossTerms: hasLoss ? { logSumExp: new Float64Array(count), labelLogits: new Float64Array(count) } : undefined,
    hiddenStates: request.hiddenStates ? stateNames(stage).map(hidden) : [],
  }
}

/** The outputs of a stage that have one state a token, with where they go. */
function hiddenOutputs(stage: Stage, { hidden, hiddenStates }: ForwardResult): (readonly [string, Float32Array])[] {
  const states = hiddenStates.map((state, index) => [stateNames(stage)[index] ?? '', state] as const)
  return stage.postProcess ? states : [...states, ['hidden_out', hidden]]
}

/** One before every layer, and on the last stage one behind the final norm. */
function stateNames({ firstLayer, endLayer, postProcess }: Stage): string[] {
  const count = endLayer - firstLayer + (postProcess ? 1 : 0)
  return Array.from({ length: count }, (_, index) => `hidden_states.${firstLayer + index}`)
}
