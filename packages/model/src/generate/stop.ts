/** Why an answer ended: at a stop token, or because it may not be longer. */
export type FinishReason = 'stop' | 'length'

/** When an answer ends. */
export interface StopRule {
  /** The model's own end tokens; the instruction models have two. */
  readonly eosTokenIds: readonly number[]
  /** Further ids that end the answer. */
  readonly stopTokenIds?: readonly number[]
  /** Go on after an end token of the model; `stopTokenIds` still count. */
  readonly ignoreEos?: boolean
  /** The answer's longest length, tokens; at least 1. */
  readonly maxTokens: number
}

/** What to do with a token. */
export interface StopVerdict {
  /** False for the token that ended the answer: it is not part of it. */
  readonly isEmitted: boolean
  /** Present when the answer ends here. */
  readonly finishReason: FinishReason | undefined
}

/**
 * Makes the test that a generation loop applies to each token.
 *
 * @returns a function of the token and the number of tokens emitted before it
 */
export function createStopCheck(rule: StopRule): (id: number, emitted: number) => StopVerdict {
  const stops = new Set([...(rule.ignoreEos === true ? [] : rule.eosTokenIds), ...(rule.stopTokenIds ?? [])])
  return (id, emitted) => {
    if (stops.has(id)) return { isEmitted: false, finishReason: 'stop' }
    return { isEmitted: true, finishReason: emitted + 1 >= rule.maxTokens ? 'length' : undefined }
  }
}
