import { expect, it } from 'vitest'
import { modelCards } from './index.ts'

it.each([
  ['a model that takes pictures', 256, ['text', 'image']],
  ['a text-only model', 0, ['text']],
])('lists %s', (_, tokens_per_image, input_modalities) => {
  const card = { id: 'm', object: 'model', created: 0, owned_by: 'loupe', context_length: 8 }
  const list = { object: 'list', data: [{ ...card, tokens_per_image, input_modalities }] }
  expect(modelCards.parse(list)).toEqual(list)
})
