import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AppError } from '../errors/index.ts'
import { readChatRequest } from './index.ts'

const FIELDS =
  'model messages temperature top_p top_k seed max_tokens stop n stream stream_options tools response_format user'.split(
    ' ',
  )
const part = fc.record(
  { type: fc.constantFrom('text', 'image_url', 'input_image', 'x'), text: fc.jsonValue(), image_url: fc.jsonValue() },
  { requiredKeys: [] },
)
const message = fc.record(
  {
    role: fc.constantFrom('user', 'system', 'assistant', 'tool', 3),
    content: fc.oneof(fc.jsonValue(), fc.array(part, { maxLength: 4 })),
  },
  { requiredKeys: [] },
)
const body = fc.oneof(
  fc.jsonValue(),
  fc.dictionary(fc.constantFrom(...FIELDS), fc.jsonValue(), { minKeys: 1 }),
  fc.record({ model: fc.string(), messages: fc.array(message, { maxLength: 4 }), extra: fc.jsonValue() }),
)

describe('readChatRequest, whatever it is given', () => {
  it('gives a request or an AppError that points at a part of the body', () => {
    fc.assert(
      fc.property(body, (value) => {
        try {
          const request = readChatRequest(value)
          expect(request.messages.length).toBeGreaterThan(0)
        } catch (error) {
          expect(AppError.isInstance(error) && error.code).toMatch(
            /^(request\.(invalid|unsupported)|grammar\.invalid)$/,
          )
        }
      }),
      { numRuns: 500, seed: 5 },
    )
  })

  it('takes every conversation of texts as it is', () => {
    const text = fc.string({ unit: 'binary' })
    fc.assert(
      fc.property(
        fc.array(fc.record({ role: fc.constantFrom('user', 'assistant'), content: text }), { minLength: 1 }),
        (messages) => {
          expect(readChatRequest({ model: 'm', messages }).messages).toEqual(messages)
        },
      ),
      { numRuns: 200, seed: 5 },
    )
  })
})
