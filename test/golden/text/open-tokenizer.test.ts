/** A model's own tokenizer and picture files, as a stranger opens them. */
import { cp, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseGemma3Config, promptOptions } from '@loupe/model'
import { embeddedModelDirectory, openTokenizer, readPicture } from '@loupe/model/node'
import { LIMITS, patchesDigest } from '@loupe/shared/image'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { tinyGgufs } from '../../support/tiny-gguf.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'loupe-strangers-'))
})
afterAll(() => rm(folder, { recursive: true }))

describe('openTokenizer', () => {
  it('reads that of a directory', async () => {
    const tokenizer = await openTokenizer(embeddedModelDirectory())
    const text = 'There are three red stars.'
    expect(tokenizer.decode(tokenizer.encode(text))).toBe(text)
    expect(tokenizer.tokenId('<bos>')).toBe(2)
  })

  it('says what a file is for that holds none, and where there is one', async () => {
    const pair = await tinyGgufs()
    const directory = await mkdtemp(join(folder, 'pair-'))
    await writeFile(join(directory, 'mmproj.gguf'), pair.vision)
    await expect(openTokenizer(join(directory, 'mmproj.gguf'))).rejects.toMatchObject({
      code: 'config.invalid',
      detail: expect.stringContaining('found "clip", a vision tower, which mmproj (--mmproj) takes.'),
    })
    await expect(openTokenizer(directory)).rejects.toMatchObject({
      code: 'tokenizer.invalid',
      detail: expect.stringContaining(`found none. A model in GGUF is named by its file: ${directory}/mmproj.gguf.`),
    })
    await writeFile(join(directory, 'tokenizer.json'), '')
    await truncate(join(directory, 'tokenizer.json'), 300_000_000)
    await expect(openTokenizer(directory)).rejects.toMatchObject({
      code: 'tokenizer.invalid',
      detail: expect.stringMatching(/a file of 268435456 bytes at most, found 300000000 bytes/),
    })
  })

  it('names what is missing', async () => {
    const code = 'tokenizer.invalid'
    await expect(openTokenizer(folder)).rejects.toMatchObject({
      code,
      detail: expect.stringContaining('tokenizer.json'),
    })
    await expect(openTokenizer(join(folder, 'nowhere'))).rejects.toMatchObject({ code: 'weights.invalid' })
    const file = join(folder, 'model.gguf')
    await cp(join(embeddedModelDirectory(), 'config.json'), file)
    await expect(openTokenizer(file)).rejects.toMatchObject({ code: 'weights.invalid' })
  })
})

describe('readPicture', () => {
  const input = (name: string) => join(import.meta.dirname, '../image/input', name)

  it.each(['chelsea.png', 'chelsea-420.jpg', 'chelsea-lossless.webp'])('makes the patches of %s', async (name) => {
    const { rows }: { rows: { file: string }[] } = JSON.parse(
      await readFile(join(import.meta.dirname, '../image/images.json'), 'utf8'),
    )
    const patches = await readPicture(input(name))
    expect(patches).toHaveLength(4096 * 588)
    const digest = Buffer.from(await patchesDigest(patches)).toString('hex')
    expect(rows.find(({ file }) => file === name)).toMatchObject({ patches_sha256: digest })
  })

  it('refuses what is no picture, without reading it where it is too long', async () => {
    await expect(readPicture(input('../PROVENANCE.md'))).rejects.toMatchObject({ code: 'image.unsupported' })
    await expect(readPicture(join(folder, 'nowhere.png'))).rejects.toMatchObject({ code: 'image.malformed' })
    await expect(readPicture(folder)).rejects.toMatchObject({ code: 'image.too_large' })
    const long = join(folder, 'long.png')
    await writeFile(long, new Uint8Array(LIMITS.fileBytes + 1))
    await expect(readPicture(long)).rejects.toMatchObject({ code: 'image.too_large' })
  })
})

describe('promptOptions', () => {
  it('are the ids that stand for a picture, or nothing for a text model', () => {
    const imageTokens = { boi: 255_999, soft: 262_144, eoi: 256_000, tokensPerImage: 256 }
    expect(promptOptions(parseGemma3Config({ model_type: 'gemma3', text_config: {}, vision_config: {} }))).toEqual({
      imageTokens,
    })
    expect(promptOptions(parseGemma3Config({ model_type: 'gemma3_text' }))).toEqual({})
  })
})
