import { buildPrompt, type ChatMessage, type ImageTokens, parseMessages } from '@loupe/shared/chat'
import { encodePng } from '@loupe/shared/image'
import { buildTokenizerArtifact, loadTokenizer, type Tokenizer } from '@loupe/shared/tokenizer'
import { beforeAll, describe, expect, it } from 'vitest'
import { pngHeader } from '../../e2e/support/pictures.ts'
import { simdPipeline } from '../../support/image-pipelines.ts'
import { gemmaTokenizerJson } from '../../support/tokenizer-files.ts'
import golden from './cases.json' with { type: 'json' }

const imageTokens: ImageTokens = { boi: 255999, soft: 262144, eoi: 256000, tokensPerImage: 256 }
const panAndScan = { panAndScan: true }
const onePixel = await encodePng(new Uint8Array(3), { width: 1, height: 1 })
const PNG_HEADER_BYTES = 33

/** The picture that the reference was given, as a file. */
function pictureFile([width = 0, height = 0]: readonly number[]): Promise<Uint8Array> {
  const pixels = Uint8Array.from({ length: width * height * 3 }, (_, sample) => Math.floor((sample * 7919) / 16) & 255)
  return encodePng(pixels, { width, height })
}

/** By a file that has the header of its size and one pixel: nothing else is looked at. */
function cropsOf([width = 0, height = 0]: readonly number[]): number {
  const file = Buffer.concat([pngHeader(width, height), onePixel.subarray(PNG_HEADER_BYTES)])
  return simdPipeline.measure(file, panAndScan).boxes.length
}

describe("pan and scan, as Transformers' processor does it", () => {
  it.each(golden.sizes)('cuts $size into $crops crops', ({ size, crops }) => {
    expect(cropsOf(size)).toBe(crops)
  })

  it.each(golden.sizes.filter(({ tiles }) => tiles !== null))(
    'gives the bytes of the whole of $size and of its crops, in their order',
    async ({ size, tiles }) => {
      const picture = await simdPipeline.preprocess(await pictureFile(size), panAndScan)
      const digests = [picture, ...picture.crops].map(({ digest }) => Buffer.from(digest).toString('hex'))
      expect(digests).toEqual(tiles)
    },
  )
})

describe('a conversation with crops', () => {
  let tokenizer: Tokenizer
  beforeAll(() => {
    tokenizer = loadTokenizer(buildTokenizerArtifact(gemmaTokenizerJson()))
  })

  it.each(golden.chats)('about pictures of $sizes has the ids of the reference', ({ sizes, messages, ids }) => {
    const crops = sizes.map(cropsOf)
    const conversation = withCrops(parseMessages(messages), crops)
    const expected = ids.flatMap((id) =>
      typeof id === 'number' ? [id] : new Array<number>(id[1] ?? 0).fill(id[0] ?? 0),
    )
    for (const asReference of [false, true]) {
      const prompt = buildPrompt(tokenizer, conversation, { imageTokens, asReference })
      expect([...prompt.ids]).toEqual(expected)
      expect(prompt.imagePlaces).toBe(crops.reduce((sum, count) => sum + 1 + count, 0))
    }
  })
})

function withCrops(messages: readonly ChatMessage[], crops: readonly number[]): ChatMessage[] {
  const left = crops.values()
  return messages.map(({ role, content }) => {
    if (typeof content === 'string') return { role, content }
    const parts = content.map((part) => {
      return part.type === 'text' ? part : { type: part.type, crops: left.next().value ?? 0 }
    })
    return { role, content: parts }
  })
}
