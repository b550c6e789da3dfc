/** Loads an artifact in a process of its own and tells what that took; `tokenizer.ts` starts it with `--expose-gc`. */
import { readFileSync } from 'node:fs'
import { loadTokenizer } from '@loupe/shared/tokenizer'
import { settledMemory } from './process-memory.ts'

const artifact = new Uint8Array(readFileSync(process.argv[2] ?? ''))
const before = await settledMemory()
const startMs = performance.now()
const tokenizer = loadTokenizer(artifact)
const loadMs = performance.now() - startMs
tokenizer.encode('The first words of a process.')
const firstMs = performance.now() - startMs
const after = await settledMemory()
const bytes = artifact.byteLength + after.anonymous - before.anonymous
process.stdout.write(JSON.stringify({ loadMs, firstMs, bytes, ids: tokenizer.vocabSize }))
