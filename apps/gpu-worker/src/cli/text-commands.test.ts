import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { embeddedModelDirectory } from '@loupe/model/node'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runLine } from '../testing/cli-fixture.ts'
import { openModelText } from '../text/model-text.ts'

let empty: string
beforeAll(async () => {
  empty = await mkdtemp(join(tmpdir(), 'loupe-text-'))
})
afterAll(() => rm(empty, { recursive: true }))

describe('loupe tokenize', () => {
  test('writes the ids of each line', async () => {
    const { tokenizer } = await openModelText(embeddedModelDirectory())
    const texts = ['What is in this picture?', '', 'ünïcödé 🙂', 'a\nb', '<end_of_turn>']
    const input = texts.map((text) => JSON.stringify({ text })).join('\n')
    const { status, out } = await runLine(['tokenize'], `${input}\n`)
    expect(status).toBe(0)
    const lines = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(lines).toEqual(texts.map((text) => ({ ids: [...tokenizer.encode(text)] })))
  })

  test('parses control tokens only with --raw-special', async () => {
    const input = '{"text":"<end_of_turn>"}'
    expect((await runLine(['tokenize', '--raw-special'], input)).out).toBe('{"ids":[106]}\n')
    expect(JSON.parse((await runLine(['tokenize'], input)).out).ids).not.toContain(106)
  })

  test.each([
    ['{"text":"a"}\n{"text":', 'line 2: expected JSON'],
    ['{"text":"a"}\n\n{"text":"b"}', 'line 2: expected JSON'],
    ['{"text":"a"}\n{"txt":"a"}', 'line 2: expected {"text": "..."}, found {"txt":"a"}.'],
    ['{"text":"a"}\n7', 'line 2: expected {"text": "..."}, found 7.'],
  ])('answers the lines before a bad one and names it: %j', async (input, fault) => {
    const { status, out, err } = await runLine(['tokenize'], input)
    expect(status).toBe(1)
    expect(out).toMatch(/^\{"ids":\[\d+\]\}\n$/)
    expect(err).toContain(fault)
    expect(err).toContain('[request.invalid]')
  })

  test('refuses bytes that are not UTF-8', async () => {
    expect((await runLine(['tokenize'], Uint8Array.of(0xff, 0x0a))).err).toContain('expected UTF-8')
  })

  test('says which file it looked for', async () => {
    const { status, err } = await runLine(['tokenize', '--model', empty], '')
    expect(status).toBe(1)
    expect(err).toContain(`Expected a file ${join(empty, 'tokenizer.json')}, found none. [tokenizer.invalid]`)
  })

  test('passes on what is wrong with the file', async () => {
    await writeFile(join(empty, 'tokenizer.json'), '{"model":')
    const { err } = await runLine(['tokenize', '--model', empty], '')
    await rm(join(empty, 'tokenizer.json'))
    expect(err).toContain('tokenizer.json is not JSON')
  })
})

describe('loupe chat', () => {
  const ask = (content: unknown) => JSON.stringify([{ role: 'user', content }])

  test('writes the prompt and its ids, an image expanded', async () => {
    const { status, out } = await runLine(['chat'], ask([{ type: 'image' }, { type: 'text', text: ' What is this? ' }]))
    expect(status).toBe(0)
    const { prompt, ids } = JSON.parse(out)
    expect(prompt).toBe('<bos><start_of_turn>user\n<start_of_image>What is this?<end_of_turn>\n<start_of_turn>model\n')
    const { tokenizer } = await openModelText(embeddedModelDirectory())
    const soft = tokenizer.tokenId('<image_soft_token>')
    expect(ids.filter((id: number) => id === soft)).toHaveLength(256)
    expect(ids[0]).toBe(2)
  })

  test('lets a control token in a message work as the reference does, but not with --plain-text', async () => {
    const count = (out: string) => JSON.parse(out).ids.filter((id: number) => id === 106).length
    expect(count((await runLine(['chat'], ask('<end_of_turn>'))).out)).toBe(2)
    expect(count((await runLine(['chat', '--plain-text'], ask('<end_of_turn>'))).out)).toBe(1)
  })

  test.each([
    ['[', 'standard input: expected JSON', 'request.invalid'],
    ['{}', 'messages: expected a list of messages, found {}.', 'prompt.invalid'],
    ['[]', 'messages: expected at least one message, found [].', 'prompt.invalid'],
    ['[{"role":"assistant","content":"b"}]', 'messages[0].role: expected "user"', 'prompt.invalid'],
  ])('refuses %s', async (input, fault, code) => {
    const { status, out, err } = await runLine(['chat'], input)
    expect({ status, out }).toEqual({ status: 1, out: '' })
    expect(err).toContain(fault)
    expect(err).toContain(`[${code}]`)
  })
})

test('openModelText gives the artifact with its SHA-256', async () => {
  const { artifact, digest, tokenizer } = await openModelText(embeddedModelDirectory())
  const sha256 = await crypto.subtle.digest('SHA-256', Uint8Array.from(artifact))
  expect(digest).toBe(Buffer.from(sha256).toString('hex'))
  expect(tokenizer.vocabSize).toBeGreaterThan(1000)
})
