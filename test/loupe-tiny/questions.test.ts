import { describe, expect, it } from 'vitest'
import { drawConversations } from './dialogues.ts'
import { heldOutQuestions } from './held-out.ts'
import { drawFacts, type PictureFacts } from './layout.ts'
import { ask, description, nothingAnswer } from './questions.ts'
import { createRandom } from './random.ts'
import { questionTypes } from './wordings.ts'

const one: PictureFacts = {
  count: 1,
  colour: 'red',
  shape: 'circle',
  place: 'left',
  objects: [{ x: 150, y: 448, radius: 80, angle: 0 }],
}
const three: PictureFacts = { ...one, count: 3, colour: 'blue', shape: 'star', place: null }
const none: PictureFacts = { ...one, count: 0, place: null, objects: [] }

const answers = (facts: PictureFacts, type: (typeof questionTypes)[number]): ReadonlySet<string> =>
  new Set(Array.from({ length: 300 }, (_, seed) => ask(createRandom(seed), facts, type).answer))

describe('an answer', () => {
  it('describes the picture in one sentence', () => {
    expect(description(one)).toBe('There is one red circle on the left.')
    expect(description(three)).toBe('There are three blue stars.')
  })

  it('is short where the question leaves everything open and full where it names something', () => {
    expect(answers(one, 'colour')).toEqual(new Set(['Red.', 'The circle is red.']))
    expect(answers(one, 'shape')).toEqual(new Set(['A circle.']))
    expect(answers(three, 'count')).toEqual(new Set(['Three.', 'There are three blue stars.']))
    expect(answers(one, 'place')).toEqual(new Set(['On the left.', 'The red circle is on the left.']))
    expect(answers(three, 'place')).toEqual(new Set(['In several places.', 'The blue stars are in several places.']))
  })

  it('says that nothing is there, whatever was asked about the picture', () => {
    for (const type of questionTypes.filter((type) => type !== 'offTopic'))
      expect(answers(none, type)).toEqual(new Set([nothingAnswer]))
  })

  it('says yes exactly when the question names what is there', () => {
    for (let seed = 0; seed < 500; seed += 1) {
      const { question, answer } = ask(createRandom(seed), one, 'check')
      expect(answer.startsWith('Yes')).toBe(/red circle/.test(question))
    }
  })
})

describe('a question', () => {
  it('has every slot filled', () => {
    for (let seed = 0; seed < 3000; seed += 1) {
      const random = createRandom(seed)
      for (const type of questionTypes) expect(ask(random, drawFacts(random, 5), type).question).not.toMatch(/[{}]/)
    }
  })

  it('carries no spaces at its ends, which the chat template would trim', () => {
    for (let seed = 0; seed < 500; seed += 1) {
      const { question } = ask(createRandom(seed), one, 'count')
      expect(question).toBe(question.trim())
    }
  })
})

describe('conversations', () => {
  it('are the same for the same seed', () => {
    expect(drawConversations(createRandom(3), one)).toEqual(drawConversations(createRandom(3), one))
  })

  it('answer first exactly when the text comes before the picture', () => {
    for (let seed = 0; seed < 200; seed += 1)
      for (const { kind, opening } of drawConversations(createRandom(seed), one))
        expect(opening !== null).toBe(kind === 'text-first')
  })
})

describe('held-out questions', () => {
  it('refuse the seeds of the training', () => {
    expect(() => heldOutQuestions(1_000_000)).toThrow(RangeError)
  })

  it('take turns over the types and both orders', () => {
    const questions = Array.from({ length: 7 }, (_, seed) => heldOutQuestions(seed + 1)).flat()
    expect(new Set(questions.map(({ group }) => group)).size).toBe(7)
    expect(questions.filter(({ isTextFirst }) => isTextFirst)).toHaveLength(7)
  })
})
