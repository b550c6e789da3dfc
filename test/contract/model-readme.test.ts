/** Every example of the model's README runs as it stands, and the first four are as short as they say. */
import { execFile } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, it } from 'vitest'

const folder = new URL('../.cache/', import.meta.url)
const run = promisify(execFile)
const MOST_LINES = 10

/** What each prints, in the order of the README. */
const PRINTED = [
  ['image features', /^256\n$/],
  ['logits', /^.+\n$/],
  ['the loss', /^\d+\.\d+\n$/],
  ['text', /^(.*\n){2,}$/],
  ['stages', /^\d+ \d+\n$/],
  ['sequences side by side', /^2 4 4\n$/],
] as const

describe("the examples of the model's README", () => {
  let examples: string[]
  beforeAll(async () => {
    const text = await readFile(new URL('../../packages/model/README.md', import.meta.url), 'utf8')
    examples = [...text.matchAll(/```ts\n(.*?)```/gs)].map(([, code = '']) => code)
    await mkdir(folder, { recursive: true })
  })

  it('are these', () => {
    expect(examples).toHaveLength(PRINTED.length)
  })

  it.each([...PRINTED.entries()])('number %d runs', async (index, [name, printed]) => {
    const file = fileURLToPath(new URL(`model-readme-${index}.ts`, folder))
    await writeFile(file, examples[index] ?? '')
    const { stdout } = await run(process.execPath, [file])
    expect(stdout, name).toMatch(printed)
  })

  it.each([0, 1, 2, 3])('number %d has ten lines at most', (index) => {
    const lines = (examples[index] ?? '').split('\n').filter((line) => line.trim() !== '')
    expect(lines.length).toBeLessThanOrEqual(MOST_LINES)
  })
})
