import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ERRORS } from '@loupe/shared/errors'
import { describe, expect, it } from 'vitest'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const SELF = fileURLToPath(import.meta.url)

function testFiles(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name)
    if (entry.isDirectory()) return ['node_modules', '.wrangler', 'assets'].includes(entry.name) ? [] : testFiles(path)
    return entry.name.endsWith('.test.ts') && path !== SELF && !path.endsWith('errors/errors.test.ts') ? [path] : []
  })
}

const tests = ['apps', 'packages', 'test']
  .flatMap((folder) => testFiles(join(ROOT, folder)))
  .map((path) => readFileSync(path, 'utf8'))
  .join('\n')

describe('every error code has a named case that provokes it', () => {
  it.each(Object.keys(ERRORS))('%s', (code) => {
    // The quoted code in a test file: an expectation on it, or a table row that is one.
    expect(tests.includes(`'${code}'`), `no test expects the error code ${code}`).toBe(true)
  })
})
