import { readFileSync } from 'node:fs'
import { createSampler } from '@loupe/model'
import { AppError } from '@loupe/shared/errors'
import { buildTokenizerArtifact, loadTokenizer } from '@loupe/shared/tokenizer'
import type { GenerateGrammar } from '@loupe/shared/wire'
import { describe, expect, it, vi } from 'vitest'
import { GrammarPool } from './grammar-pool.ts'

const file = new URL('../../../../packages/model/assets/loupe-tiny/tokenizer.json', import.meta.url)
const artifact = buildTokenizerArtifact(readFileSync(file, 'utf8'))
const tokenizer = loadTokenizer(artifact)
const EOS = [1, tokenizer.tokenId('<end_of_turn>') ?? expect.fail('expected an end of turn')]
const options = { tokenizer: artifact, textVocabulary: tokenizer.vocabSize, eosTokenIds: EOS }
const pool = new GrammarPool(options)
const never = new AbortController().signal

const open = async (grammar: GenerateGrammar) => {
  const [constraint] = await pool.open({ grammar, tenant: '', choices: 1 }, never)
  return constraint ?? expect.fail('expected a constraint')
}

async function faultOf(grammar: GenerateGrammar, from = pool): Promise<AppError> {
  const error: unknown = await from.open({ grammar, tenant: '', choices: 1 }, never).catch((thrown: unknown) => thrown)
  return AppError.isInstance(error) ? error : expect.fail(`expected a fault of ${JSON.stringify(grammar).slice(0, 80)}`)
}

const allowed = (mask: Int32Array) =>
  Array.from({ length: tokenizer.vocabSize }, (_, id) => id).filter((id) => ((mask[id >> 5] ?? 0) >>> (id & 31)) & 1)

/** Random logits, the draws of a seed: what a grammar makes of a model that has no idea. */
async function answer(grammar: GenerateGrammar, seed: number, most = 400): Promise<string | undefined> {
  const constraint = await open(grammar)
  using sampler = createSampler({ temperature: 1, topK: 0, topP: 1, seed }, { constraint })
  const logits = new Float32Array(tokenizer.vocabSize)
  const ids: number[] = []
  for (let position = 0; position < most; position++) {
    await sampler.ready()
    const { id } = sampler.next(logits, position)
    if (EOS.includes(id)) return tokenizer.decode(ids)
    expect(tokenizer.isControl(id)).toBe(false)
    sampler.accept(id)
    ids.push(id)
  }
  return undefined
}

describe('GrammarPool', () => {
  it('holds answers to a choice, whatever signs it has', async () => {
    const choices = ['yes', 'no "way"', 'né😀\\', 'a\nb', '[x]*']
    const said = new Set<string | undefined>()
    for (let seed = 0; seed < 40; seed++) said.add(await answer({ type: 'choice', choices }, seed))
    expect([...said].sort()).toEqual([...choices].sort())
  })

  it('holds answers to a regular expression', async () => {
    const pattern = '[a-z]{2,5}@[a-z]{1,3}\\.(com|org)'
    for (let seed = 0; seed < 5; seed++) {
      expect(await answer({ type: 'regex', pattern }, seed)).toMatch(new RegExp(`^${pattern}$`))
    }
  })

  it('holds answers to rules', async () => {
    const grammar = 'root ::= "(" item? ")"\nitem ::= [0-9] | "(" [ab] ")"'
    for (let seed = 0; seed < 5; seed++) {
      expect(await answer({ type: 'ebnf', grammar }, seed)).toMatch(/^\((\d|\([ab]\))?\)$/)
    }
  })

  it('holds answers to a schema', async () => {
    const schema = {
      type: 'object',
      properties: {
        kind: { enum: ['cat', 'dog'] },
        legs: { type: 'integer', minimum: 1, maximum: 4 },
        tame: { type: 'boolean' },
      },
      required: ['kind', 'legs', 'tame'],
    }
    for (let seed = 0; seed < 4; seed++) {
      const text = await answer({ type: 'json_schema', schema: JSON.stringify(schema) }, seed)
      const value = JSON.parse(text ?? '')
      expect(Object.keys(value)).toEqual(['kind', 'legs', 'tame'])
      expect(['cat', 'dog']).toContain(value.kind)
      expect([1, 2, 3, 4]).toContain(value.legs)
      expect(typeof value.tame).toBe('boolean')
    }
  })

  it('starts an object where an object is asked for', async () => {
    using constraint = await open({ type: 'json_object' })
    expect(allowed(constraint.mask).every((id) => tokenizer.decode([id]).startsWith('{'))).toBe(true)
    expect(allowed(constraint.mask).length).toBeGreaterThan(0)
  })

  it('bounds the white space of JSON, with which small models go on for ever (rule 24)', async () => {
    using constraint = await open({ type: 'json_schema', schema: '{"type":"object","properties":{"a":{}}}' })
    constraint.accept(tokenizer.tokenId('{') ?? -1)
    let written = ''
    for (;;) {
      await constraint.ready()
      const blank = allowed(constraint.mask).find((id) => /^\s+$/.test(tokenizer.decode([id])))
      if (blank === undefined) break
      written += tokenizer.decode([blank])
      constraint.accept(blank)
    }
    expect(written).toHaveLength(20)
    expect(allowed(constraint.mask).length).toBeGreaterThan(0)
  })

  it('takes text beside JSON where that is asked for, and tells them by the first character', async () => {
    const schema = '{"type":"object","properties":{"name":{"const":"f"}},"required":["name"]}'
    const begin = async (...pieces: readonly string[]) => {
      using constraint = await open({ type: 'json_schema', schema, or_text: true })
      for (const piece of pieces) constraint.accept(tokenizer.tokenId(piece) ?? expect.fail(`no token "${piece}"`))
      await constraint.ready()
      return allowed(constraint.mask).map((id) => tokenizer.decode([id]))
    }
    const first = await begin()
    expect(first.some((text) => text.startsWith('{'))).toBe(true)
    expect(first.some((text) => text.startsWith('a'))).toBe(true)
    expect(first.some((text) => /^[\s[]/.test(text))).toBe(false)
    expect((await begin('{')).every((text) => /^[\s"]/.test(text))).toBe(true)
    expect((await begin('a', '{')).some((text) => text.startsWith('b'))).toBe(true)
  })

  it('lets no control token through but the end, and that where the grammar may end only', async () => {
    using constraint = await open({ type: 'regex', pattern: '<(.|\\n)*' })
    expect(allowed(constraint.mask)).not.toContain(EOS[0])
    constraint.accept(tokenizer.tokenId('<') ?? -1)
    await constraint.ready()
    expect(allowed(constraint.mask).filter((id) => tokenizer.isControl(id))).toEqual([...EOS].sort((a, b) => a - b))
  })

  it('goes back when an answer loses tokens', async () => {
    using constraint = await open({ type: 'ebnf', grammar: 'root ::= "a" "b" "c"' })
    const masks: number[][] = []
    for (const letter of 'abc') {
      masks.push(allowed(constraint.mask))
      constraint.accept(tokenizer.tokenId(letter) ?? -1)
      await constraint.ready()
    }
    expect(allowed(constraint.mask)).toEqual(EOS)
    constraint.rollback(2)
    await constraint.ready()
    expect(allowed(constraint.mask)).toEqual(masks[1])
  })

  it('follows several answers to one prompt apart', async () => {
    const [one, two] = await pool.open(
      { grammar: { type: 'choice', choices: ['ab', 'cd'] }, tenant: '', choices: 2 },
      never,
    )
    if (one === undefined || two === undefined) expect.fail('expected two')
    one.accept(tokenizer.tokenId('a') ?? -1)
    await one.ready()
    expect(allowed(one.mask)).not.toEqual(allowed(two.mask))
    for (const each of [one, two]) each[Symbol.dispose]()
  })

  it.each<[string, GenerateGrammar, string]>([
    ['a schema that is not JSON', { type: 'json_schema', schema: '{' }, 'The schema is not JSON.'],
    ['a schema that is none', { type: 'json_schema', schema: '7' }, '$: expected a schema, found number.'],
    [
      'a keyword without effect',
      { type: 'json_schema', schema: '{"properties":{"not":{"not":{}}}}' },
      '$.properties.not.not is not supported.',
    ],
    ['a pattern that looks ahead', { type: 'regex', pattern: '(?=a)b' }, 'Lookahead is not supported'],
    ['rules without a root', { type: 'ebnf', grammar: 'a ::= "b"' }, 'The root rule with name "root" is not found'],
    ['rules that cannot be read', { type: 'ebnf', grammar: 'root ::= "a" ||| (' }, 'EBNF parser error at line 1'],
  ])('refuses %s', async (_, grammar, detail) => {
    const fault = await faultOf(grammar)
    expect([fault.code, fault.detail]).toEqual(['grammar.invalid', expect.stringContaining(detail)])
    expect(fault.detail).not.toContain('.cc')
  })

  it('survives schemas nested without end, and goes on', async () => {
    const deep = (levels: number) => `${'{"items":'.repeat(levels)}{}${'}'.repeat(levels)}`
    expect((await faultOf({ type: 'json_schema', schema: deep(6000) })).code).toMatch(/^grammar\./)
    expect(await answer({ type: 'choice', choices: ['yes'] }, 1)).toBe('yes')
  })
  it('refuses what takes too much memory, and what takes too long', async () => {
    const deep = { type: 'regex', pattern: `${'('.repeat(30_000)}a${')'.repeat(30_000)}` } as const
    expect((await faultOf(deep)).code).toBe('grammar.too_complex')
    const long = { type: 'regex', pattern: '(((a{1,99}){1,99}){1,99}){1,99}' } as const
    expect((await faultOf(long, new GrammarPool({ ...options, compileMs: 1 }))).code).toBe('grammar.too_complex')
  })

  it('lets a grammar wait while others are in use, but not one that is among them, and forgets who leaves', async () => {
    const small = new GrammarPool({ ...options, threads: 1 })
    const first = await small.open({ grammar: { type: 'choice', choices: ['a'] }, tenant: '', choices: 1 }, never)
    const same = await small.open({ grammar: { type: 'choice', choices: ['a'] }, tenant: '', choices: 1 }, never)
    const left = new AbortController()
    const leaving = small.open({ grammar: { type: 'choice', choices: ['b'] }, tenant: '', choices: 1 }, left.signal)
    let isOpen = false
    const waiting = small
      .open({ grammar: { type: 'choice', choices: ['c'] }, tenant: '', choices: 1 }, never)
      .finally(() => {
        isOpen = true
      })
    left.abort(new AppError('request.cancelled'))
    await expect(leaving).rejects.toMatchObject({ code: 'request.cancelled' })
    for (const each of first) each[Symbol.dispose]()
    for (const each of first) each[Symbol.dispose]()
    expect(isOpen).toBe(false)
    for (const each of same) each[Symbol.dispose]()
    for (const each of await waiting) each[Symbol.dispose]()
    expect(isOpen).toBe(true)
  })

  it('ends the answer whose token does not follow, and no other grammar', async () => {
    const constraint = await open({ type: 'choice', choices: ['ab'] })
    using other = await open({ type: 'choice', choices: ['cd'] })
    constraint.accept(tokenizer.tokenId('x') ?? -1)
    await expect(constraint.ready()).rejects.toMatchObject({ code: 'grammar.invalid' })
    constraint[Symbol.dispose]()
    other.accept(tokenizer.tokenId('c') ?? -1)
    await other.ready()
    expect(allowed(other.mask).map((id) => tokenizer.decode([id]))).toEqual(['d', 'd']) // as a letter and as a byte
  })
  it('lets nobody into a thread that is busy with a grammar which nobody waits for any more', async () => {
    const small = new GrammarPool({ ...options, threads: 1, compileMs: 2000 })
    const long = { type: 'ebnf', grammar: 'root ::= ("a"{1,1000}){1,1000}' } as const
    const client = new AbortController()
    const leaving = small.open({ grammar: long, tenant: '', choices: 1 }, client.signal)
    const listen = vi.spyOn(client.signal, 'addEventListener')
    // Once while the grammar is read, and again while it is compiled.
    await vi.waitFor(() => expect(listen).toHaveBeenCalledTimes(1), { timeout: 10_000, interval: 2 })
    client.abort(new AppError('request.cancelled'))
    await expect(leaving).rejects.toMatchObject({ code: 'request.cancelled' })
    const opened = await small.open({ grammar: { type: 'choice', choices: ['a'] }, tenant: '', choices: 1 }, never)
    for (const each of opened) each[Symbol.dispose]()
  })
})
