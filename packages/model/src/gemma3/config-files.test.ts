import { describe, expect, it } from 'vitest'
import type { FileReader } from '../weights/checkpoint.ts'
import { readModelConfig } from './config-files.ts'

function memoryFiles(files: Record<string, string>): FileReader {
  const bytesOf = (name: string) => new TextEncoder().encode(files[name])
  return {
    size: async (name) => (files[name] === undefined ? undefined : bytesOf(name).byteLength),
    read: async (name, offset, length) => bytesOf(name).slice(offset, offset + length),
  }
}

const CONFIG = '{"model_type":"gemma3_text","eos_token_id":[1,106]}'

describe('readModelConfig', () => {
  it('reads both files', async () => {
    const files = memoryFiles({
      'config.json': CONFIG,
      'generation_config.json': '{"do_sample":true,"eos_token_id":7}',
    })
    const { config, generation } = await readModelConfig(files)
    expect(config).toMatchObject({ kind: 'text', eosTokenIds: [1, 106] })
    expect(generation).toMatchObject({ doSample: true, eosTokenIds: [7] })
  })

  it('falls back to config.json when there is no generation_config.json', async () => {
    const { generation } = await readModelConfig(memoryFiles({ 'config.json': CONFIG }))
    expect(generation).toMatchObject({ doSample: false, eosTokenIds: [1, 106] })
  })

  it.each([
    ['no config.json', {}, 'Expected config.json, found no such file.'],
    ['a config.json that is not JSON', { 'config.json': '{' }, 'config.json: expected JSON, found something else.'],
    [
      'a config.json of 2 MB',
      { 'config.json': ' '.repeat(2e6) },
      'config.json: expected at most 1048576 bytes, found 2000000.',
    ],
    [
      'a broken generation_config.json',
      { 'config.json': CONFIG, 'generation_config.json': '' },
      'generation_config.json: expected JSON',
    ],
  ])('refuses %s', async (_, files, message) => {
    await expect(readModelConfig(memoryFiles(files))).rejects.toMatchObject({
      code: 'config.invalid',
      message: expect.stringContaining(message),
    })
  })
})
