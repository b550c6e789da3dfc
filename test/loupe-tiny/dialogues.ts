/** Arranges questions about one picture into the conversations that the trainer learns from. */

import type { PictureFacts } from './layout.ts'
import { ask, askBlind, description, type Exchange } from './questions.ts'
import type { Random } from './random.ts'
import type { QuestionType } from './wordings.ts'

/**
 * A common beginning and the ways it can go on. Each branch sees the beginning and itself, never its siblings,
 * so one pass over the picture serves all of them.
 */
export interface Conversation {
  readonly kind: 'picture-first' | 'text-first' | 'no-picture'
  readonly system: string | null
  /** Answered before the branches part; only where the text comes before the picture. */
  readonly opening: Exchange | null
  readonly branches: readonly (readonly Exchange[])[]
}

const systems = [
  'You are a helpful assistant.',
  'You are a helpful assistant.',
  'Answer the question about the picture.',
  'You describe pictures.',
  'Be brief.',
]

/** How often each kind of question comes up where any may come; what is harder to learn comes more often. */
const mix: readonly QuestionType[] = [
  ...Array<QuestionType>(2).fill('colour'),
  ...Array<QuestionType>(2).fill('shape'),
  ...Array<QuestionType>(4).fill('count'),
  ...Array<QuestionType>(3).fill('place'),
  ...Array<QuestionType>(4).fill('describe'),
  ...Array<QuestionType>(2).fill('presence'),
  ...Array<QuestionType>(8).fill('check'),
]

/** All conversations about one picture. */
export function drawConversations(random: Random, facts: PictureFacts): readonly Conversation[] {
  const conversations = [pictureFirst(random, facts)]
  if (random.chance(0.6)) conversations.push(textFirst(random, facts))
  if (random.chance(0.1)) conversations.push(withoutPicture(random, facts))
  return conversations
}

function pictureFirst(random: Random, facts: PictureFacts): Conversation {
  const easy = random.chance(0.5) ? 'colour' : 'shape'
  const branches = ([easy, 'count', 'place', 'describe', 'check'] as const).map((type) => [ask(random, facts, type)])
  branches.push([ask(random, facts, 'check')], [ask(random, facts, 'check')])
  branches.push([askAny(random, facts)], [askAny(random, facts), askAny(random, facts)])
  if (random.chance(0.2)) branches.push([{ type: 'describe', question: '', answer: description(facts) }])
  if (random.chance(0.15)) branches.push([ask(random, facts, 'offTopic')])
  return { kind: 'picture-first', system: drawSystem(random), opening: null, branches }
}

function textFirst(random: Random, facts: PictureFacts): Conversation {
  const opening = random.chance(0.04) ? ask(random, facts, 'offTopic') : askAny(random, facts)
  const branches = Array.from({ length: 4 }, () => [askAny(random, facts)])
  branches.push([askAny(random, facts), askAny(random, facts)])
  return { kind: 'text-first', system: drawSystem(random), opening, branches }
}

function withoutPicture(random: Random, facts: PictureFacts): Conversation {
  const branches = Array.from({ length: 5 }, () => [askBlind(random, facts)])
  return { kind: 'no-picture', system: drawSystem(random), opening: null, branches }
}

function askAny(random: Random, facts: PictureFacts): Exchange {
  return ask(random, facts, random.pick(mix))
}

function drawSystem(random: Random): string | null {
  return random.chance(0.12) ? random.pick(systems) : null
}
