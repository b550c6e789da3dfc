import { describe, expect, it } from 'vitest'
import { type Command, parseCommand } from './command.ts'
import { MODEL_OPTIONS, MODEL_OPTIONS_HELP, readModelOptions } from './model-options.ts'

const command: Command = { summary: '', help: '', options: MODEL_OPTIONS, run: async () => {} }
const read = (...argv: string[]) => readModelOptions(parseCommand(command, argv))

describe('readModelOptions', () => {
  it('leaves everything to the loader by default', async () => {
    const { path, load } = await read()
    expect(path).toMatch(/loupe-tiny$/)
    expect(load).toEqual({ dtype: {} })
  })

  it('passes on what is given', async () => {
    const given = [
      '--model',
      import.meta.filename,
      '--mmproj',
      import.meta.filename,
      '--cache',
      '/c',
      '--device',
      'cuda',
      '--threads',
      '3',
    ]
    expect(await read(...given, '--dtype', 'f16', '--vision-dtype', 'f32', '--activations', 'float32')).toEqual({
      path: import.meta.filename,
      load: {
        mmproj: import.meta.filename,
        cacheDirectory: '/c',
        device: 'cuda',
        threads: 3,
        dtype: { language: 'f16', vision: 'f32' },
        activations: 'float32',
      },
    })
  })

  it.each([
    [['--dtype', 'int8'], { language: 'int8', vision: 'int8' }],
    [['--dtype', 'int4'], { language: 'int4', vision: 'int8' }],
    [['--dtype', 'int4', '--vision-dtype', 'int4'], { language: 'int4', vision: 'int4' }],
    [['--vision-dtype', 'bf16'], { vision: 'bf16' }],
  ])('%j means %j', async (argv, dtype) => {
    expect((await read(...argv)).load.dtype).toEqual(dtype)
  })

  it.each([
    [['--dtype', 'fp8'], '--dtype: expected f32, bf16, f16, int8, int4, found "fp8".'],
    [['--vision-dtype', ''], '--vision-dtype: expected f32, bf16, f16, int8, int4, found "".'],
    [['--device', 'tpu'], '--device: expected cpu, cuda, webgpu, found "tpu".'],
    [['--activations', 'int4'], '--activations: expected int8, float32, found "int4".'],
    [['--threads', '1.5'], '--threads takes a whole number from 0 to 1024, not "1.5".'],
  ])('refuses %j', async (argv, message) => {
    await expect(read(...argv)).rejects.toMatchObject({ code: 'usage.invalid', detail: message })
  })

  it('has a line of help for each option', () => {
    const documented = [...MODEL_OPTIONS_HELP.matchAll(/^ {2}--([\w-]+)/gm)].map(([, name]) => name)
    expect(documented.sort()).toEqual(Object.keys(MODEL_OPTIONS).sort())
  })
})
