/** Questions about a generated picture and the answers that are true of it. */

import { type Colour, colours, type PictureFacts, type Shape, shapes } from './layout.ts'
import type { Random } from './random.ts'

/** What a question asks for; the evaluation reports accuracy by these names. */
export const questionTypes = ['colour', 'shape', 'count', 'place', 'describe', 'presence', 'check', 'offTopic'] as const
export type QuestionType = (typeof questionTypes)[number]

export interface Exchange {
  readonly type: QuestionType
  readonly question: string
  readonly answer: string
}

export const nothingAnswer = 'There is nothing in this picture.'
export const noPictureAnswer = 'I do not see a picture.'
export const offTopicAnswer = 'I can only answer questions about shapes in a picture.'

const numbers = ['no', 'one', 'two', 'three', 'four', 'five'] as const

/** `{things}`, `{thing}` and `{picture}` take any of the words in `fillers`. */
const templates: Readonly<Record<Exclude<QuestionType, 'check'>, readonly string[]>> = {
  colour: [
    'What color is the {thing}?',
    'What color is it?',
    'Which color is the {thing}?',
    'What is the color of the {thing}?',
    'What color are the {things}?',
    'What color are they?',
    'What is the color of the {things}?',
    'Name the color.',
    'What color is the {thing} in {picture}?',
    'What color do you see?',
    'Which color do you see?',
    'Which color is it?',
    'Tell me the color of the {thing}.',
    'What color does the {thing} have?',
    'What color is this?',
    'What colors do you see?',
    'The color?',
    'Color?',
    'What color?',
  ],
  shape: [
    'What shape is this?',
    'What shape is it?',
    'Which shape is this?',
    'What shape do you see?',
    'Which shape do you see?',
    'What shape is in {picture}?',
    'What shape is shown in {picture}?',
    'Which shape is in {picture}?',
    'Name the shape.',
    'What kind of shape is this?',
    'What kind of shape is it?',
    'What is the shape of the object?',
    'What shapes are these?',
    'What shape does the object have?',
    'What shapes are in {picture}?',
    'What shapes do you see?',
    'Tell me the shape.',
    'What kind of shape is in {picture}?',
    'Which shapes are there?',
    'The shape?',
    'Shape?',
    'What shape?',
  ],
  count: [
    'How many {things} are there?',
    'How many {things} are there in {picture}?',
    'How many {things} are in {picture}?',
    'How many {things} do you see?',
    'How many {things} can you see?',
    'How many {things} can you see in {picture}?',
    'Count the {things}.',
    'Count the {things} in {picture}.',
    'What is the number of {things}?',
    'How many are there?',
    'Tell me how many {things} there are.',
    'How many do you see?',
    'Can you count the {things}?',
    'How many {things}?',
    'How many?',
    'How many {things} does {picture} show?',
    'How many {things} are shown?',
  ],
  place: [
    'Where is the {thing}?',
    'Where is it?',
    'Where is the {thing} in {picture}?',
    'Where in {picture} is the {thing}?',
    'Where are the {things}?',
    'Where are they?',
    'Where do you see the {thing}?',
    'Where can I find the {thing}?',
    'Where is the {thing} located?',
    'What is the position of the {thing}?',
    'Tell me where the {thing} is.',
    'Where?',
    'In which part of {picture} is the {thing}?',
    'On which side is the {thing}?',
    'Where is it in {picture}?',
  ],
  describe: [
    'What is in {picture}?',
    'What is in {picture}?',
    'Describe {picture}.',
    'Describe {picture}.',
    'What do you see?',
    'What do you see in {picture}?',
    'What can you see in {picture}?',
    'What does {picture} show?',
    'What is this?',
    'What is shown in {picture}?',
    'Describe what you see.',
    'Tell me what is in {picture}.',
    'Tell me about {picture}.',
    'What can you see?',
    'Describe {picture} in one sentence.',
    'Describe it.',
    "What's in {picture}?",
    'Describe this.',
    'Write a caption for {picture}.',
    'Give me a description of {picture}.',
    'What can you tell me about {picture}?',
    'Please describe {picture} in detail.',
    'Explain {picture}.',
    "What's this?",
    'Caption {picture}.',
  ],
  presence: [
    'Is there anything in {picture}?',
    'Is there something in {picture}?',
    'Do you see anything?',
    'Is {picture} empty?',
    'Is anything there?',
    'Can you see anything in {picture}?',
    'Are there any {things} in {picture}?',
    'Are there any {things}?',
    'Is there a {thing} in {picture}?',
    'Do you see a {thing}?',
    'Do you see any {things}?',
  ],
  offTopic: [
    'What is the capital of France?',
    'Who are you?',
    'Tell me a joke.',
    'What time is it?',
    'How are you?',
    'Write a poem about the sea.',
    'What is two plus two?',
    'Who wrote this book?',
    'What is your name?',
    'How do I cook rice?',
    'What is the weather today?',
    'Who is the president?',
    'Translate this to French.',
    'What is the meaning of life?',
    'Tell me a story.',
    'How old are you?',
    'Write some code.',
    'Why is the sky blue?',
    'Hello.',
    'Hi',
    'Hello, how are you?',
    'Thank you.',
    'Good morning.',
    'Can you help me?',
    'Sing a song.',
  ],
}

/** Questions that name a colour and a shape of their own, right or wrong; the answer states what is there. */
const namingTemplates = {
  colour: ['What color is the {shape}?', 'What color are the {shape}s?', 'What is the color of the {shape}?'],
  count: [
    'How many {colour} {shape}s do you see?',
    'How many {colour} {shape}s are there?',
    'How many {shape}s are there?',
    'How many {shape}s do you see?',
    'How many {colour} {shape}s are in {picture}?',
    'Count the {colour} {shape}s.',
    'Count the {shape}s.',
    'How many {shape}s are in {picture}?',
    'How many {colour} {things} are there?',
  ],
  place: [
    'Where is the {shape}?',
    'Where is the {colour} {shape}?',
    'Where are the {shape}s?',
    'Where is the {colour} {thing}?',
    'Where is the {shape} in {picture}?',
    'Where are the {colour} {shape}s?',
    'Where do you see the {shape}?',
  ],
  check: [
    'Is there a {colour} {shape}?',
    'Is there a {colour} {shape} in {picture}?',
    'Do you see a {colour} {shape}?',
    'Can you see a {colour} {shape}?',
    'Are there any {colour} {shape}s?',
    'Do you see any {colour} {shape}s?',
  ],
} as const

const fillers: Readonly<Record<string, readonly string[]>> = {
  thing: ['shape', 'shape', 'object', 'thing', 'figure'],
  things: ['shapes', 'shapes', 'objects', 'things', 'figures'],
  picture: [
    'this picture',
    'the picture',
    'this image',
    'the image',
    'this photo',
    'the photo',
    'the picture',
    'this picture',
  ],
}

const openings = [
  'Please tell me: ',
  'Hello! ',
  'Hi, ',
  'Look at {picture}. ',
  'Look: ',
  'Here is a picture. ',
  'Can you tell me? ',
]
const closings = [' Thanks.', ' Please.', ' Answer briefly.', ' Be brief.']

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
