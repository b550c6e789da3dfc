/** The table of mutants is not run here, which takes minutes (`npm run mutate`); but it must fit the source. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type Mutant, mutate } from './mutant.ts'
import { MUTANTS } from './mutants/index.ts'

const ROOT = join(import.meta.dirname, '../..')

/** Mistakes that implementations of Gemma 3 have made; each must be caught. */
const DISCRIMINATORS = [
  'image-rows-scaled',
  'norm-without-one',
  'norm-epsilon-1e-5',
  'qk-norm-after-rope',
  'factor-on-local-layers',
  'window-one-longer',
  'window-one-shorter',
  'images-mutually-visible',
  'scale-from-head-size',
  'erf-gelu',
  'projector-transposed',
  'image-causal',
  'pool-column-major',
]

describe('the table of mutants', () => {
  it('has every known discriminator, and each name once', () => {
    const names = MUTANTS.map(({ name }) => name)
    expect(new Set(names).size).toBe(names.length)
    expect(names).toEqual(expect.arrayContaining(DISCRIMINATORS))
  })

  it.each(MUTANTS.map((mutant) => [mutant.name, mutant] as const))('fits the source: %s', (_, mutant) => {
    const source = readFileSync(join(ROOT, mutant.file), 'utf8')
    expect(mutate(source, mutant)).not.toBe(source)
    for (const test of mutant.tests) expect(existsSync(join(ROOT, test)), test).toBe(true)
  })
})

describe('mutate', () => {
  const mutant = (find: string): Mutant => ({
    name: 'a',
    fact: 'A fact.',
    file: 'b.ts',
    edits: [[find, 'x']],
    tests: [],
  })

  it('makes each edit where its text stands, whatever signs it has', () => {
    expect(
      mutate('1 $& 2', {
        ...mutant('1'),
        edits: [
          ['$&', '$1'],
          ['2', '3'],
        ],
      }),
    ).toBe('1 $1 3')
  })

  it('fails by name when the text is not there, or more than once', () => {
    expect(() => mutate('y', mutant('z'))).toThrow('a: expected the text once in b.ts, found none: z')
    expect(() => mutate('z z', mutant('z'))).toThrow('a: expected the text once in b.ts, found 2: z')
  })
})
