import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { openGguf } from '@loupe/model'
import { buildGgufTokenizerArtifact, buildTokenizerArtifact, loadTokenizer } from '@loupe/shared/tokenizer'
import { beforeAll, describe, expect, test } from 'vitest'
import { ggufVocabulary } from '../../support/gguf-vocabulary.ts'
import { encodeGguf } from '../../support/gguf-writer.ts'
import { memoryFiles } from '../../support/memory-files.ts'
import { gemmaTokenizerJson } from '../../support/tokenizer-files.ts'

const json = gemmaTokenizerJson()

async function fromGguf(options?: Parameters<typeof ggufVocabulary>[1]): Promise<Uint8Array> {
  const files = memoryFiles({ 'model.gguf': encodeGguf({ metadata: ggufVocabulary(json, options) }) })
  return buildGgufTokenizerArtifact((await openGguf(files, 'model.gguf')).metadata)
}

let expected: Uint8Array
let found: Uint8Array

beforeAll(async () => {
  expected = buildTokenizerArtifact(json)
  found = await fromGguf()
})

describe("Gemma 3's vocabulary in a GGUF", () => {
  test('gives the artifact of its tokenizer.json, byte for byte', () => {
    expect(Buffer.compare(found, expected)).toBe(0)
  })

  test('gives the ids of the reference for every text', () => {
    const tokenizer = loadTokenizer(found)
    const rows = gunzipSync(readFileSync(new URL('token-ids.jsonl.gz', import.meta.url)))
    for (const line of rows.toString().trim().split('\n')) {
      const { text, ids } = JSON.parse(line)
      expect([text, ...tokenizer.encode(text, { parseSpecial: true })]).toEqual([text, ...ids])
    }
  })

  test('gives the same filled up to the rows of the embedding table, its control tokens listed as text', async () => {
    expect(Buffer.compare(await fromGguf({ rows: 262_208, isPlain: true }), expected)).toBe(0)
  })
})
