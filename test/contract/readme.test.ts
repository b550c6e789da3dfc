import { execFile } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'

const folder = new URL('../.cache/', import.meta.url)
const run = promisify(execFile)

/** The first TypeScript block of a README. */
async function example(path: string): Promise<string> {
  const text = await readFile(new URL(`../../${path}`, import.meta.url), 'utf8')
  return /```ts\n(.*?)```/s.exec(text)?.[1] ?? ''
}

describe('the example of the README', () => {
  it('of @loupe/model runs and prints three tokens', async () => {
    await mkdir(folder, { recursive: true })
    const file = fileURLToPath(new URL('readme-model.ts', folder))
    await writeFile(file, await example('packages/model/README.md'))
    const { stdout } = await run(process.execPath, [file])
    expect(stdout).toMatch(/^(\d+ -?[\d.e-]+\n){3}gemma3\n$/)
  })
})
