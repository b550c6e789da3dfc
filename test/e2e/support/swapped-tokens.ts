import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const EMBEDDED = fileURLToPath(new URL('../../../packages/model/assets/loupe-tiny', import.meta.url))

/** A checkpoint in a folder for temporary files. */
interface Checkpoint extends Disposable {
  readonly path: string
}

/** The embedded model with a tokenizer in which two tokens have changed their ids: what was one is the other now. */
export function modelWithSwappedTokens(one: string, other: string): Checkpoint {
  const path = mkdtempSync(join(tmpdir(), 'loupe-swapped-'))
  cpSync(EMBEDDED, path, { recursive: true })
  const file = join(path, 'tokenizer.json')
  const tokenizer: { model: { vocab: Record<string, number> } } = JSON.parse(readFileSync(file, 'utf8'))
  const { vocab } = tokenizer.model
  const [first, second] = [vocab[one], vocab[other]]
  if (first === undefined || second === undefined) throw new Error(`expected the tokens ${one} and ${other}`)
  Object.assign(vocab, { [one]: second, [other]: first })
  writeFileSync(file, JSON.stringify(tokenizer))
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) }
}
