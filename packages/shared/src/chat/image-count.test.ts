import { expect, test } from 'vitest'
import { checkImageCount } from './image-count.ts'

test('takes as many images as places and refuses any other number', () => {
  expect(() => checkImageCount(2, 2)).not.toThrow()
  expect(() => checkImageCount(2, 3)).toThrow(expect.objectContaining({ code: 'image.count_mismatch' }))
  expect(() => checkImageCount(1, 0)).toThrow('Expected 1 images, one for each place, found 0.')
})
