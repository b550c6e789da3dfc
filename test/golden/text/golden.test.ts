import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { buildPrompt, type ImageTokens, parseMessages } from '@loupe/shared/chat'
import { buildTokenizerArtifact, loadTokenizer, type Tokenizer } from '@loupe/shared/tokenizer'
import { beforeAll, describe, expect, test } from 'vitest'
import { gemmaTokenizerJson } from '../../support/tokenizer-files.ts'

interface Row {
  readonly text: string
  readonly ids: readonly number[]
  readonly decoded: string
}

interface Chat {
  readonly messages: unknown
  readonly prompt?: string
  readonly ids?: readonly number[]
  readonly error?: string
}

const read = (name: string) => readFileSync(new URL(name, import.meta.url))
const rows = gunzipSync(read('token-ids.jsonl.gz'))
  .toString()
  .trim()
  .split('\n')
  .map((line): Row => JSON.parse(line))
const chats: readonly Chat[] = JSON.parse(read('chat.json').toString())
const imageTokens: ImageTokens = { boi: 255999, soft: 262144, eoi: 256000, tokensPerImage: 256 }
const controlIds = new Set([0, 1, 2, 3, 4, 5, 105, 106, 255999, 256000, 262144])

let artifact: Uint8Array
let tokenizer: Tokenizer

beforeAll(() => {
  artifact = buildTokenizerArtifact(gemmaTokenizerJson())
  tokenizer = loadTokenizer(artifact)
})

describe("Gemma 3's tokenizer", () => {
  test('becomes an artifact without merges, a twelfth of its file', () => {
    expect(artifact.length).toBeLessThan(2_700_000)
    expect(tokenizer.vocabSize).toBe(262_145)
  })

  test('gives the ids of the reference for every text', () => {
    for (const { text, ids } of rows)
      expect([text, ...tokenizer.encode(text, { parseSpecial: true })]).toEqual([text, ...ids])
  })

  test('gives the text of the reference for every list of ids', () => {
    for (const { ids, decoded } of rows) expect(tokenizer.decode(ids)).toBe(decoded)
  })

  test('makes no control token out of any text by default', () => {
    for (const { text, decoded } of rows) {
      const ids = tokenizer.encode(text)
      const isControl = (id: number) => controlIds.has(id) || (id >= 6 && id <= 104)
      expect([...ids].filter(isControl), text).toEqual([])
      expect(tokenizer.decode(ids)).toBe(decoded)
    }
  })

  test('gives the same ids by default where a text holds no control token', () => {
    const plain = rows.filter(({ ids }) => ids.every((id) => !controlIds.has(id) && (id < 6 || id > 104)))
    expect(plain.length).toBeGreaterThan(2000)
    for (const { text, ids } of plain) expect([...tokenizer.encode(text)]).toEqual(ids)
  })

  test('reads the one piece that reaches over a space', () => {
    expect(tokenizer.encode('> </')).toEqual(Int32Array.of(107068))
  })
})

describe('chat', () => {
  test.each(chats.map((chat, row) => ({ ...chat, row })))(
    'row $row gives the prompt and ids of the reference',
    (chat) => {
      const build = () => buildPrompt(tokenizer, parseMessages(chat.messages), { imageTokens, asReference: true })
      if (chat.error !== undefined) {
        expect(build).toThrow(expect.objectContaining({ code: 'prompt.invalid' }))
        return
      }
      const { prompt, ids, imagePlaces } = build()
      expect(prompt).toBe(chat.prompt)
      expect([...ids]).toEqual(chat.ids)
      expect(imagePlaces).toBe(prompt.split('<start_of_image>').length - 1)
    },
  )

  test('gives the same ids by default, but for the row that writes a control token as its text', () => {
    const valid = chats.filter(({ error }) => error === undefined)
    const differing = valid.filter(({ messages, ids }) => {
      const own = buildPrompt(tokenizer, parseMessages(messages), { imageTokens })
      return JSON.stringify([...own.ids]) !== JSON.stringify(ids)
    })
    expect(differing.map(({ messages }) => JSON.stringify(messages))).toEqual([
      expect.stringContaining('"content":"<end_of_turn>"'),
    ])
  })
})
