/** Questions about a generated picture and the answers that are true of it. */

import { type Colour, colours, type PictureFacts, type Shape, shapes } from './layout.ts'
import type { Random } from './random.ts'
import {
  closings,
  fillers,
  namingTemplates,
  openings,
  type QuestionType,
  questionTypes,
  templates,
} from './wordings.ts'

export interface Exchange {
  readonly type: QuestionType
  readonly question: string
  readonly answer: string
}

export const nothingAnswer = 'There is nothing in this picture.'
export const noPictureAnswer = 'I do not see a picture.'
export const offTopicAnswer = 'I can only answer questions about shapes in a picture.'

const numbers = ['no', 'one', 'two', 'three', 'four', 'five'] as const

/**
 * Asks one question of the given type.
 *
 * @returns the question in one of many wordings, and the one true answer
 */
export function ask(random: Random, facts: PictureFacts, type: QuestionType): Exchange {
  const namesShape = type === 'check' || (isNaming(type) && random.chance(0.35))
  if (namesShape) {
    const named = {
      colour: random.chance(0.6) ? facts.colour : random.pick(colours),
      shape: random.chance(0.7) ? facts.shape : random.pick(shapes),
    }
    const question = vary(random, fill(random, random.pick(namingTemplates[type]), named))
    return { type, question, answer: fullAnswer(facts, type, named) }
  }
  const template = random.pick(templates[type])
  return { type, question: vary(random, fill(random, template)), answer: shortAnswer(facts, type) }
}

/** Which kinds of question can name a colour or a shape. */
function isNaming(type: QuestionType): type is keyof typeof namingTemplates {
  return type in namingTemplates
}

/** Asks a question in a conversation that holds no picture. */
export function askBlind(random: Random, facts: PictureFacts): Exchange {
  if (random.chance(0.4)) return ask(random, facts, 'offTopic')
  const type = random.pick(questionTypes.filter((candidate) => candidate !== 'offTopic'))
  return { type, question: ask(random, facts, type).question, answer: noPictureAnswer }
}

/** The answer to a question that leaves colour and shape open: as short as English allows. */
function shortAnswer(facts: PictureFacts, type: Exclude<QuestionType, 'check'>): string {
  if (type === 'offTopic') return offTopicAnswer
  if (facts.count === 0) return nothingAnswer
  switch (type) {
    case 'colour':
      return `${capital(facts.colour)}.`
    case 'shape':
      return facts.count === 1 ? `A ${facts.shape}.` : `${capital(facts.shape)}s.`
    case 'count':
      return `${capital(numbers[facts.count] ?? 'many')}.`
    case 'place':
      return `${capital(placePhrase(facts))}.`
    case 'describe':
      return description(facts)
    case 'presence':
      return `${description(facts)}`
  }
}

/** The answer to a question that names a colour or a shape: a sentence that corrects the question where it is wrong. */
function fullAnswer(
  facts: PictureFacts,
  type: keyof typeof namingTemplates,
  named: { colour: Colour; shape: Shape },
): string {
  if (facts.count === 0) return nothingAnswer
  const verb = facts.count === 1 ? 'is' : 'are'
  switch (type) {
    case 'colour':
      return `The ${facts.shape}${plural(facts)} ${verb} ${facts.colour}.`
    case 'count':
      return description(facts)
    case 'place':
      return `The ${facts.colour} ${facts.shape}${plural(facts)} ${verb} ${placePhrase(facts)}.`
    case 'check': {
      const isRight = named.colour === facts.colour && named.shape === facts.shape
      return `${isRight ? 'Yes' : 'No'}, t${description(facts).slice(1)}`
    }
  }
}

/** One sentence that says everything, for example "There is one red circle on the left." */
export function description(facts: PictureFacts): string {
  if (facts.count === 0) return nothingAnswer
  const subject = `${numbers[facts.count]} ${facts.colour} ${facts.shape}${plural(facts)}`
  return facts.count === 1 ? `There is ${subject} ${placePhrase(facts)}.` : `There are ${subject}.`
}

function placePhrase(facts: PictureFacts): string {
  switch (facts.place) {
    case null:
      return 'in several places'
    case 'middle':
      return 'in the middle'
    case 'top':
    case 'bottom':
      return `at the ${facts.place}`
    default:
      return `on the ${facts.place}`
  }
}

function plural(facts: PictureFacts): string {
  return facts.count === 1 ? '' : 's'
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}

function fill(random: Random, template: string, named?: { readonly colour: string; readonly shape: string }): string {
  const filled = template.replace(/\{(\w+)\}/g, (_, slot: string) => {
    if (named !== undefined && (slot === 'colour' || slot === 'shape')) return named[slot]
    return random.pick(fillers[slot] ?? [slot])
  })
  return filled.replace(/\ba (?=[aeiou])/g, 'an ')
}

/** The liberties people take with spelling: case, the closing mark, British English, a greeting. */
function vary(random: Random, question: string): string {
  let text = question
  if (random.chance(0.3)) text = text.replaceAll('color', 'colour').replaceAll('Color', 'Colour')
  if (random.chance(0.2)) text = text.replace(/[?.]$/, '')
  else if (random.chance(0.1)) text += random.pick(closings)
  if (random.chance(0.08)) return fill(random, random.pick(openings)) + text
  if (random.chance(0.2)) return text.charAt(0).toLowerCase() + text.slice(1)
  return text
}
