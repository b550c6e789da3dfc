import { buildPrompt, type ChatMessage, type ChatPart, type ImageTokens } from '@loupe/shared/chat'
import { buildTokenizerArtifact, loadTokenizer } from '@loupe/shared/tokenizer'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { tinyTokenizerJson } from '../support/tokenizer-files.ts'

const tokenizer = loadTokenizer(buildTokenizerArtifact(tinyTokenizerJson()))
const idOf = (content: string) => tokenizer.tokenId(content) ?? -1
const imageTokens: ImageTokens = {
  boi: idOf('<start_of_image>'),
  soft: idOf('<image_soft_token>'),
  eoi: idOf('<end_of_image>'),
  tokensPerImage: 3,
}
const expandedImage = '\n\n<start_of_image><image_soft_token><image_soft_token><image_soft_token><end_of_image>\n\n'
const control = [
  '<bos>',
  '<start_of_turn>',
  '<end_of_turn>',
  '<start_of_image>',
  '<image_soft_token>',
  '<end_of_image>',
]

const plain = fc
  .array(
    fc.constantFrom(
      '\n',
      '\n\n',
      ' ',
      '\t',
      '▁',
      '<',
      '>',
      'a',
      'red',
      'What?',
      '\u00a0',
      '\ufeff',
      '\ud800',
      '🙂',
      '<b>',
      '\u0085',
    ),
    {
      maxLength: 6,
    },
  )
  .map((parts) => parts.join(''))
const hostile = fc.array(fc.oneof(plain, fc.constantFrom(...control)), { maxLength: 4 }).map((parts) => parts.join(''))

function conversation(text: fc.Arbitrary<string>): fc.Arbitrary<readonly ChatMessage[]> {
  const part: fc.Arbitrary<ChatPart> = fc.oneof(
    fc.constant({ type: 'image' as const }),
    text.map((written) => ({ type: 'text' as const, text: written })),
  )
  const content = fc.oneof(text, fc.array(part, { maxLength: 4 }))
  const system = fc.oneof(
    text,
    text.map((written) => [{ type: 'text' as const, text: written }]),
  )
  return fc
    .tuple(fc.option(system, { nil: undefined }), fc.array(content, { minLength: 1, maxLength: 4, size: 'max' }))
    .map(([first, turns]) => [
      ...(first === undefined ? [] : [{ role: 'system', content: first }]),
      ...turns.map((turn, at) => ({ role: at % 2 === 0 ? 'user' : 'assistant', content: turn })),
    ])
}

function imagesIn(messages: readonly ChatMessage[]): number {
  return messages
    .flatMap(({ content }) => (typeof content === 'string' ? [] : content))
    .filter(({ type }) => type === 'image').length
}

describe('a prompt', () => {
  test('has the ids of its whole expanded text', () => {
    fc.assert(
      fc.property(conversation(plain), (messages) => {
        const { prompt, ids, imagePlaces } = buildPrompt(tokenizer, messages, { imageTokens })
        const whole = prompt.replaceAll('<start_of_image>', expandedImage)
        expect([...ids]).toEqual([...tokenizer.encode(whole, { parseSpecial: true })])
        expect(imagePlaces).toBe(imagesIn(messages))
        expect(buildPrompt(tokenizer, messages, { imageTokens, asReference: true })).toEqual({
          prompt,
          ids,
          imagePlaces,
        })
      }),
      { numRuns: 500 },
    )
  })

  test('has the control tokens of its form and no other, whatever the messages say', () => {
    fc.assert(
      fc.property(conversation(hostile), (messages) => {
        const { ids, imagePlaces } = buildPrompt(tokenizer, messages, { imageTokens })
        const count = (content: string) => [...ids].filter((id) => id === idOf(content)).length
        const turns = messages.filter(({ role }) => role !== 'system').length
        expect(control.map(count)).toEqual([1, turns + 1, turns, imagePlaces, 3 * imagePlaces, imagePlaces])
        expect(imagePlaces).toBe(imagesIn(messages))
      }),
      { numRuns: 500 },
    )
  })

  test.each(control)('keeps %s in a message as the text that it is', (token) => {
    const messages = [{ role: 'user', content: `a ${token} b` }]
    const { ids } = buildPrompt(tokenizer, messages, { imageTokens })
    expect(tokenizer.decode(ids)).toBe(`<bos><start_of_turn>user\na ${token} b<end_of_turn>\n<start_of_turn>model\n`)
    const reference = buildPrompt(tokenizer, messages, { imageTokens, asReference: true })
    expect(reference.ids.filter((id) => id === idOf(token)).length).toBeGreaterThan(
      ids.filter((id) => id === idOf(token)).length,
    )
  })

  test('asks for no image token when there is no image: a text-only model has none', () => {
    const none: ImageTokens = { boi: -1, soft: -1, eoi: -1, tokensPerImage: 0 }
    const messages = [{ role: 'user', content: 'What?' }]
    expect(buildPrompt(tokenizer, messages, { imageTokens: none })).toEqual(buildPrompt(tokenizer, messages))
  })

  test('writes the newlines round an image as the runs that they form', () => {
    const image = { type: 'image' } as const
    const { ids } = buildPrompt(tokenizer, [{ role: 'user', content: [image, image] }], { imageTokens })
    expect(tokenizer.decode(ids)).toContain('user\n\n\n<start_of_image>')
    expect(tokenizer.decode(ids)).toContain('<end_of_image>\n\n\n\n<start_of_image>')
    expect([...ids].filter((id) => id === idOf('\n\n\n')).length).toBe(1)
    expect([...ids].filter((id) => id === idOf('\n\n\n\n')).length).toBe(1)
  })
})

describe('messages', () => {
  const user = { role: 'user', content: 'a' }
  const assistant = { role: 'assistant', content: 'b' }
  const system = { role: 'system', content: 'c' }
  const text = { type: 'text', text: 'c' } as const

  test.each<[string, readonly ChatMessage[], string]>([
    ['no message', [], 'messages: expected at least one message, found [].'],
    ['an answer first', [assistant], 'messages[0].role: expected "user" (user and assistant alternate'],
    ['two questions', [user, user], 'messages[1].role: expected "assistant" (user and assistant alternate'],
    ['two questions after a system message', [system, user, user], 'messages[2].role: expected "assistant"'],
    [
      'a late system message',
      [user, system],
      'messages[1].role: expected "user" or "assistant" (system messages stand at the start), found "system".',
    ],
    ['a system message between questions', [system, system, user, assistant, system], 'messages[4].role: expected'],
    ['two questions after two system messages', [system, system, user, user], 'messages[3].role: expected "assistant"'],
    ['system messages alone', [system, system], 'found ["system","system"].'],
    [
      'a second system message in parts',
      [system, { role: 'system', content: [text, text] }, user],
      'messages[1].content: expected a text or one text part, found ["text","text"].',
    ],
    [
      'an unknown role',
      [user, { role: 'tool', content: 'x' }],
      'messages[1].role: expected "user" or "assistant", found "tool".',
    ],
    [
      'an unknown role first',
      [{ role: 'tool', content: 'x' }],
      'messages[0].role: expected "system", "user" or "assistant"',
    ],
    [
      'a system message alone',
      [system],
      'messages: expected a user message after the system message, found ["system"].',
    ],
    [
      'a system message in parts',
      [{ role: 'system', content: [text, text] }, user],
      'messages[0].content: expected a text or one text part, found ["text","text"].',
    ],
    [
      'an image in the system message',
      [{ role: 'system', content: [{ type: 'image' }] }, user],
      'messages[0].content: expected a text or one text part, found ["image"].',
    ],
  ])('with %s are refused', (_, messages, detail) => {
    expect(() => buildPrompt(tokenizer, messages, { imageTokens })).toThrow(
      expect.objectContaining({ code: 'prompt.invalid', detail: expect.stringContaining(detail) }),
    )
  })

  test('of the system at the start are one, a blank line between them', () => {
    const several = [system, { role: 'system', content: [{ type: 'text', text: ' d' } as const] }, user]
    const one = [{ role: 'system', content: 'c\n\n d' }, user]
    expect(buildPrompt(tokenizer, several)).toEqual(buildPrompt(tokenizer, one))
    expect(() => buildPrompt(tokenizer, several, { asReference: true })).toThrow('messages[1].role: expected "user"')
  })

  test('are taken as the reference takes them on request', () => {
    const build = (messages: readonly ChatMessage[]) =>
      buildPrompt(tokenizer, messages, { imageTokens, asReference: true }).prompt
    expect(build([system])).toBe('<bos><start_of_turn>model\n')
    expect(build([{ role: 'system', content: [text, { type: 'image' }] }, user])).toContain('user\nc\n\na<end_of_turn>')
    expect(build([user, { role: 'tool', content: 'x' }])).toContain('<start_of_turn>tool\nx<end_of_turn>')
    expect(() => build([{ role: 'system', content: [] }, user])).toThrow(
      expect.objectContaining({ code: 'prompt.invalid' }),
    )
  })

  test('with an image are refused by a model without vision', () => {
    const withImage = [{ role: 'user', content: [{ type: 'image' } as const] }]
    expect(() => buildPrompt(tokenizer, withImage)).toThrow('this model takes no images')
    expect(buildPrompt(tokenizer, [user]).imagePlaces).toBe(0)
    expect(buildPrompt(tokenizer, [user], { asReference: true })).toEqual(buildPrompt(tokenizer, [user]))
  })
})

test('a tokenizer without the tokens of the template is refused', () => {
  const file = JSON.parse(tinyTokenizerJson())
  const token = file.added_tokens.find(({ content }: { content: string }) => content === '<start_of_turn>')
  file.model.vocab['<other>'] = token.id
  delete file.model.vocab[token.content]
  token.content = '<other>'
  const other = loadTokenizer(buildTokenizerArtifact(JSON.stringify(file)))
  expect(() => buildPrompt(other, [{ role: 'user', content: 'a' }])).toThrow(
    expect.objectContaining({ code: 'tokenizer.invalid', detail: expect.stringContaining('<start_of_turn>') }),
  )
})
