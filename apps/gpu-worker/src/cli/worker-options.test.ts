import { describe, expect, it } from 'vitest'
import { parseCommand } from './command.ts'
import { serve } from './serve.ts'
import { readWorkerOptions } from './worker-options.ts'

const read = (...argv: string[]) => readWorkerOptions(parseCommand(serve, ['--model', import.meta.dirname, ...argv]))

describe('the options of a worker', () => {
  it('have defaults', async () => {
    expect(await read()).toMatchObject({
      imageCacheBytes: 512 * 2 ** 20,
      prefixCacheBytes: 1024 * 2 ** 20,
      speculate: 'auto',
    })
  })

  it('give caches a size, or none', async () => {
    expect(await read('--prefix-cache-mb', '3', '--image-cache-mb', '0')).toMatchObject({
      imageCacheBytes: 0,
      prefixCacheBytes: 3 * 2 ** 20,
    })
    await expect(read('--prefix-cache-mb', '1.5')).rejects.toMatchObject({ code: 'usage.invalid' })
  })

  it('say how many tokens are guessed', async () => {
    const speculate = async (how: string) => (await read('--speculate', how)).speculate
    expect([await speculate('auto'), await speculate('off'), await speculate('15')]).toEqual(['auto', 0, 15])
    for (const how of ['0', '16', 'on']) {
      await expect(speculate(how)).rejects.toThrow(
        `--speculate takes off, auto or a whole number from 1 to 15, not "${how}".`,
      )
    }
  })
})
