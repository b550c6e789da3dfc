import { readGrammar } from '@loupe/gpu-worker/src/grammar/read-grammar.ts'
import { loadXgrammar } from '@loupe/gpu-worker/src/grammar/xgrammar.ts'
import { AppError } from '@loupe/shared/errors'
import { checkSchema, type GenerateGrammar } from '@loupe/shared/wire'
import { Ajv2020 } from 'ajv/dist/2020.js'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { randomSchema } from '../support/random-schema.ts'

const { library } = await loadXgrammar(512 * 1024 * 1024)
/** Every byte is a token: there is nothing that cannot be written. */
const BYTES = 256
const vocabulary = [...Array.from({ length: BYTES }, (_, byte) => Uint8Array.of(byte)), new Uint8Array()]
const bytesOnly = vocabulary as unknown as string[] // embind takes bytes; its types say text
const info = await library.TokenizerInfo.createTokenizerInfo(bytesOnly, 'raw', false, undefined, [BYTES])
const compiler = await library.GrammarCompiler.createGrammarCompiler(info, false)
const LONGEST = 400

/** Writes something that a grammar takes, by the draws of `random`; undefined when it comes to no end. */
async function write(grammar: GenerateGrammar, random: () => number): Promise<string | undefined> {
  const compiled = await compiler.compileGrammar(await readGrammar(library, grammar))
  const matcher = await library.GrammarMatcher.createGrammarMatcher(compiled)
  const bytes: number[] = []
  try {
    while (bytes.length < LONGEST) {
      const mask = await matcher.getNextTokenBitmask()
      const next = draw(mask, random)
      if (next === BYTES) return new TextDecoder('utf-8', { fatal: true }).decode(Uint8Array.from(bytes))
      if (!matcher.acceptToken(next)) expect.fail(`byte ${next} does not follow ${JSON.stringify(bytes)}`)
      bytes.push(next)
    }
    return undefined
  } finally {
    matcher.dispose()
    compiled.dispose()
  }
}

/**
 * What ends something is likelier than what goes on, or few answers would come to an end. Bytes of longer characters are
 * drawn where nothing else may follow: the library lets any of them follow each other.
 */
function draw(mask: Int32Array, random: () => number): number {
  const all = Array.from({ length: BYTES + 1 }, (_, id) => id).filter((id) => ((mask[id >> 5] ?? 0) >>> (id & 31)) & 1)
  const plain = all.filter((id) => id < 128 || id === BYTES)
  const open = plain.length === 0 ? all : plain
  const weights = open.map((id) => (id === BYTES || '"}],:'.includes(String.fromCharCode(id)) ? 12 : 1))
  let left = random() * weights.reduce((sum, weight) => sum + weight, 0)
  const at = weights.findIndex((weight) => {
    left -= weight
    return left < 0
  })
  return open[at] ?? open.at(-1) ?? expect.fail('nothing may follow')
}

function isTaken(schema: unknown): boolean {
  try {
    checkSchema(schema)
    return true
  } catch (error) {
    expect(AppError.isInstance(error) && error.code).toBe('grammar.invalid')
    return false
  }
}

it('whatever is written under a random schema is valid, or the schema was refused', async () => {
  const ajv = new Ajv2020({ strict: false, validateFormats: false, logger: false })
  const counts = { taken: 0, refused: 0, written: 0 }
  const drawn = fc.tuple(randomSchema(), fc.infiniteStream(fc.double({ min: 0, max: 0.999999, noNaN: true })))
  await fc.assert(
    fc.asyncProperty(drawn, async ([schema, draws]) => {
      counts[isTaken(schema) ? 'taken' : 'refused']++
      if (!isTaken(schema)) return
      const validate = ajv.compile(schema)
      const text = await write({ type: 'json_schema', schema: JSON.stringify(schema) }, () => draws.next().value ?? 0)
      if (text === undefined) return
      counts.written++
      if (!validate(JSON.parse(text))) expect.fail(`${JSON.stringify(schema)} took ${text}`)
    }),
    { numRuns: 700, seed: 1234 },
  )
  expect(counts.taken).toBeGreaterThan(200)
  expect(counts.refused).toBeGreaterThan(60)
  expect(counts.written).toBeGreaterThan(150)
})
