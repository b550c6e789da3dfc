import { describe, expect, it } from 'vitest'
import { parseGemma3Config } from '../gemma3/config.ts'
import { checkTokenIds, findImagePlaces, joinFeatures, splitPrompt } from './prompt-tokens.ts'

const IMAGE = 31
const config = {
  ...parseGemma3Config({
    model_type: 'gemma3',
    text_config: { vocab_size: 30, hidden_size: 2 },
    vision_config: { model_type: 'siglip_vision_model', image_size: 56, patch_size: 14 },
    image_token_index: IMAGE,
    mm_tokens_per_image: 4,
  }),
}
const image = [IMAGE, IMAGE, IMAGE, IMAGE]

describe('checkTokenIds', () => {
  it('takes rows of the table, and the image token even beyond them', () => {
    expect(() => checkTokenIds([0, 29, IMAGE], config)).not.toThrow()
  })

  it.each([30, -1, 1.5e9])('refuses %d', (id) => {
    expect(() => checkTokenIds([1, id], config)).toThrow(`Token 1: expected an id below 30, found ${id}.`)
  })
})

it('takes no image token in a text model, where it would be -1', () => {
  const text = { ...config, vision: undefined, imageTokenId: -1, tokensPerImage: 0 }
  expect(() => checkTokenIds([-1], text)).toThrow('found -1')
  expect(findImagePlaces([1, 2], text)).toEqual({ rows: [], images: 0 })
})

describe('findImagePlaces', () => {
  it('finds every image token', () => {
    expect(findImagePlaces([1, ...image, 2, ...image], config)).toEqual({ rows: [1, 2, 3, 4, 6, 7, 8, 9], images: 2 })
    expect(findImagePlaces([1, 2], config)).toEqual({ rows: [], images: 0 })
  })

  it('takes a run of two whole images', () => {
    expect(findImagePlaces([...image, ...image], config).images).toBe(2)
  })

  it.each([
    [[1, IMAGE, IMAGE, 2], 'before token 3, found a run of 2'],
    [[...image, IMAGE], 'before token 5, found a run of 5'],
  ])('refuses %j', (ids, message) => {
    expect(() => findImagePlaces(ids, config)).toThrow(message)
  })
})

describe('joinFeatures', () => {
  const feature = (value: number) => new Float32Array(8).fill(value)

  it('keeps their order', () => {
    expect([...joinFeatures([feature(1), feature(2)], 2, config)]).toEqual([...feature(1), ...feature(2)])
  })

  it('refuses another number of images', () => {
    expect(() => joinFeatures([feature(1)], 2, config)).toThrow('Expected 2 images for the places in the ids, found')
  })

  it('refuses features of another size', () => {
    const wrong = [feature(1), new Float32Array(7)]
    expect(() => joinFeatures(wrong, 2, config)).toThrow('Features of image 1: expected 4 × 2 numbers, found 7.')
  })
})

describe('splitPrompt', () => {
  /** Parts as lists of ids; features are numbered by the image place they belong to. */
  function split(ids: readonly number[], most: number) {
    const places = ids.filter((id) => id === IMAGE).length
    const features = Float32Array.from({ length: places * 2 }, (_, i) => Math.floor(i / 2))
    return splitPrompt(Int32Array.from(ids), features, config, most)
  }

  it.each([
    [[1, 2, 3, 4, 5], 2, [2, 2, 1]],
    [[1, 2, 3], 3, [3]],
    [[1, 2, 3, ...image, 4], 5, [3, 5]],
    [[...image, 4, 5, 6], 2, [4, 2, 1]],
    [[1, ...image, ...image, 2], 5, [1, 8, 1]],
    [[1, 2, ...image], 1, [1, 1, 4]],
  ])('cuts %j at most every %d tokens into lengths %j', (ids, most, lengths) => {
    const parts = split(ids, most)
    expect(parts.map((part) => part.ids.length)).toEqual(lengths)
    expect(parts.flatMap((part) => [...part.ids])).toEqual(ids)
  })

  it('gives each part the features of its own image places', () => {
    const parts = split([1, ...image, 2, 3, ...image], 5).filter(({ given }) => given.rows.length > 0)
    expect(parts.map(({ given }) => given.rows)).toEqual([
      [1, 2, 3, 4],
      [0, 1, 2, 3],
    ])
    expect(parts.map(({ given }) => [...given.states])).toEqual([
      [0, 0, 1, 1, 2, 2, 3, 3],
      [4, 4, 5, 5, 6, 6, 7, 7],
    ])
  })
})
