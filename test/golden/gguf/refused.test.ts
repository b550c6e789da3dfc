import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { embeddedModelDirectory, loadGemma3VL } from '@loupe/model/node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { gemma3Ggufs } from '../../support/gemma3-gguf.ts'
import { encodeGguf } from '../../support/gguf-writer.ts'
import { BLOCK_SIZED_CONFIG, randomCheckpoint } from '../../support/random-checkpoint.ts'

let root: string
const at = (name: string) => join(root, name)

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'loupe-refused-'))
  const { config, tensors } = randomCheckpoint()
  const { language, vision } = gemma3Ggufs(tensors, config, { matrices: 'F16', swapFfn: true })
  await writeFile(at('model.gguf'), language)
  await writeFile(at('mmproj.gguf'), vision)
  const wider = randomCheckpoint({
    ...BLOCK_SIZED_CONFIG,
    text_config: { ...BLOCK_SIZED_CONFIG.text_config, hidden_size: 512 },
  })
  const other = gemma3Ggufs(wider.tensors, wider.config, { matrices: 'F16', swapFfn: true })
  await writeFile(at('other-mmproj.gguf'), other.vision)
  const keys = { 'general.architecture': ['string', 'gemma3'], 'split.count': ['uint16', 3] } as const
  await writeFile(at('model-00001-of-00003.gguf'), encodeGguf({ metadata: keys }))
  await writeFile(at('model-00002-of-00003.gguf'), encodeGguf({ metadata: { 'split.count': ['uint16', 3] } }))
  await mkdir(at('empty'))
  await writeFile(at('notes.txt'), 'These are no weights.')
  await mkdir(at('weightless'))
  await writeFile(join(at('weightless'), 'config.json'), JSON.stringify(BLOCK_SIZED_CONFIG))
})
afterAll(() => rm(root, { recursive: true }))

describe('loadGemma3VL refuses', () => {
  it.each([
    [
      'a path where nothing is',
      'absent',
      'weights.invalid',
      /Expected a directory or a \.gguf file at .*absent, found none/,
    ],
    ['a directory without a config', 'empty', 'config.invalid', /config\.json/],
    [
      'a directory without weights',
      'weightless',
      'weights.invalid',
      /Expected model\.safetensors or .*, found neither/,
    ],
    ['a file of another format', 'notes.txt', 'weights.invalid', /notes\.txt: the magic number: expected "GGUF"/],
    ['a vision file as the model', 'mmproj.gguf', 'config.invalid', /found "clip", a vision file: give it as mmproj/],
    ['the first part of a split file', 'model-00001-of-00003.gguf', 'config.invalid', /llama-gguf-split --merge/],
    ['a later part of a split file', 'model-00002-of-00003.gguf', 'config.invalid', /found 3, one of so many parts/],
  ])('%s', async (_, name, code, message) => {
    const error = await loadGemma3VL(at(name)).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code, detail: expect.stringMatching(message) })
  })

  it.each([
    [
      'that is a language model',
      'model.gguf',
      'config.invalid',
      /found "gemma3", a language model: give it as the model/,
    ],
    ['of another width', 'other-mmproj.gguf', 'config.invalid', /projection_dim: expected 256, .* found 512/],
    ['that is not there', 'absent.gguf', 'weights.invalid', /absent\.gguf/],
    ['in a directory that is not there', 'absent/x.gguf', 'weights.invalid', /Expected a directory at .*absent/],
  ])('a vision file %s', async (_, name, code, message) => {
    const error = await loadGemma3VL(at('model.gguf'), { mmproj: at(name) }).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code, detail: expect.stringMatching(message) })
  })

  it('a vision file beside a checkpoint that has its own', async () => {
    await expect(loadGemma3VL(embeddedModelDirectory(), { mmproj: at('mmproj.gguf') })).rejects.toMatchObject({
      code: 'request.invalid',
      detail: expect.stringMatching(/^mmproj: expected a model in GGUF for it, found the directory/),
    })
  })

  it.skipIf(process.getuid?.() === 0)('a file that it may not read; root may read all', async () => {
    await writeFile(at('secret.gguf'), 'GGUF')
    await chmod(at('secret.gguf'), 0)
    await expect(loadGemma3VL(at('secret.gguf'))).rejects.toMatchObject({ code: 'weights.invalid' })
  })
})
