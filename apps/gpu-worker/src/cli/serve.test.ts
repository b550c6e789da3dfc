import { WORKER_PATHS } from '@loupe/shared/wire'
import { describe, expect, it } from 'vitest'
import { runCommand } from '../testing/cli-fixture.ts'
import { serve } from './serve.ts'

describe('loupe serve', () => {
  it('prints one line when it is ready, serves, and ends when it is told to', async () => {
    const controller = new AbortController()
    const status = Promise.withResolvers<number>()
    const onStdout = async (line: string) => {
      const url = line.trim().split(' ').at(-1)
      status.resolve((await fetch(`${url}${WORKER_PATHS.modelReady('tiny')}`)).status)
      controller.abort()
    }
    const run = await runCommand(serve, ['--port', '0', '--name', 'tiny'], { signal: controller.signal, onStdout })
    expect(run.stdout).toMatch(/^serving tiny on http:\/\/127\.0\.0\.1:\d+\n$/)
    expect(await status.promise).toBe(200)
    const url = run.stdout.trim().split(' ').at(-1)
    await expect(fetch(`${url}/v2`)).rejects.toThrow()
  })

  it.each([
    [['--port', '70000'], '--port takes a whole number from 0 to 65535'],
    [['--threads', 'many'], '--threads takes a whole number'],
    [['--slots', '0'], '--slots takes a whole number from 1 to 256, not "0".'],
    [['--slot-tokens', 'all'], '--slot-tokens takes a whole number from 16 to 1048576, not "all".'],
    [['--chunk-tokens', '8'], '--chunk-tokens takes a whole number from 16 to 65536, not "8".'],
    [['--device', 'tpu'], '--device: expected cpu, cuda, webgpu, found "tpu".'],
    [['--chat-template', 'gemma2'], '--chat-template: expected gemma3, found "gemma2".'],
    [['--model', 'nowhere'], '--model: there is no file or directory "nowhere".'],
    [['--mmproj', 'nowhere.gguf'], '--mmproj: there is no file or directory "nowhere.gguf".'],
  ])('refuses %j', async (argv, message) => {
    const run = runCommand(serve, argv)
    await expect(run).rejects.toMatchObject({ code: 'usage.invalid', message: expect.stringContaining(message) })
  })
})
