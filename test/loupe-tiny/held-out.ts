/** The questions of the evaluation: pictures and wordings that no training has drawn. */

import type { PictureFacts } from './layout.ts'
import { drawPicture } from './picture.ts'
import { ask, askBlind, type Exchange } from './questions.ts'
import { createRandom } from './random.ts'
import type { QuestionType } from './wordings.ts'

/** Training starts at seed 1,000,000; everything below is for measuring and for show. */
export const firstTrainingSeed = 1_000_000

const types: readonly QuestionType[] = ['colour', 'shape', 'count', 'place', 'describe', 'presence', 'check']

export interface HeldOutQuestion {
  readonly exchange: Exchange
  /** What the report counts it under. */
  readonly group: QuestionType | 'noPicture'
  /** Null for a question asked without a picture. */
  readonly pixels: Uint8Array | null
  readonly isTextFirst: boolean
}

/**
 * The questions about one held-out picture: one of each of two types, in turn, with the text before and after the
 * picture; every tenth picture brings an off-topic question and a question without a picture too.
 *
 * @param seed picture seed, 0 to 999,999
 */
export function heldOutQuestions(seed: number): readonly HeldOutQuestion[] {
  if (seed >= firstTrainingSeed) throw new RangeError(`seed ${seed} belongs to training`)
  const { facts, pixels } = drawPicture(seed)
  const random = createRandom(seed ^ 0x2545f491)
  const pick = (turn: number): QuestionType => types[(2 * seed + turn) % types.length] ?? 'describe'
  const questions = [0, 1].map((turn) => {
    const exchange = ask(random, facts, pick(turn))
    return { exchange, group: exchange.type, pixels, isTextFirst: (seed + turn) % 2 === 0 }
  })
  return seed % 10 === 0 ? [...questions, ...rareQuestions(seed, facts, pixels)] : questions
}

function rareQuestions(seed: number, facts: PictureFacts, pixels: Uint8Array): readonly HeldOutQuestion[] {
  const random = createRandom(seed ^ 0x1b873593)
  const offTopic = { exchange: ask(random, facts, 'offTopic'), group: 'offTopic', pixels, isTextFirst: false } as const
  const blind = { exchange: askBlind(random, facts), group: 'noPicture', pixels: null, isTextFirst: true } as const
  return [offTopic, blind]
}
