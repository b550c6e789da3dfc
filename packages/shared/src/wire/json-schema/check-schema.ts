import { AppError } from '../../errors/index.ts'
import { children, eachSchema, isSchema, type JsonSchema } from './each-schema.ts'
import { isDeeperThan } from './json-depth.ts'
import { schemaFault } from './schema-rules.ts'
import { areApart } from './schemas-apart.ts'

/** Deeper schemas than any that people write. */
const MOST_LEVELS = 128
const MOST_ALTERNATIVES = 64
/** As long as a grammar may be. Some checks compare each with each. */
const MOST_CHARACTERS = 65_536
const MOST_REFERENCES = 8

/**
 * Looks for what an answer cannot be held to: a keyword of which the grammar's compiler makes no rules, or makes other
 * ones than it means. An answer that silently ignores what was asked is worse than none.
 *
 * @param schema - parsed JSON
 * @param at - its path, for errors
 * @throws AppError `grammar.invalid` with the path of the first keyword at fault, also as `param`
 * @see `test/property/held-schema.test.ts`, which found most of them in XGrammar 0.1.27
 */
export function checkSchema(schema: unknown, at = '$'): asserts schema is JsonSchema | boolean {
  if (isDeeperThan(schema, MOST_LEVELS)) throw invalid(at, `: expected at most ${MOST_LEVELS} levels`)
  const length = JSON.stringify(schema)?.length ?? 0
  if (length > MOST_CHARACTERS) throw invalid(at, `: expected at most ${MOST_CHARACTERS} characters, found ${length}`)
  expectSchema(schema, at)
  eachSchema(schema, at, (each, place) => {
    const fault = schemaFault(each) ?? referenceFault(each, schema) ?? alternativesFault(each, schema)
    if (fault !== undefined) throw invalid(`${place}.${fault.keyword}`, ` ${fault.reason ?? 'is not supported'}`)
    for (const [path, child] of children(each)) {
      expectSchema(child, `${place}${path}`)
      if (child === false && /^\.(properties|prefixItems|anyOf|oneOf|allOf)/.test(path)) {
        throw invalid(`${place}${path}`, ' is not supported as false')
      }
    }
  })
}

function expectSchema(value: unknown, at: string): void {
  if (isSchema(value) || typeof value === 'boolean') return
  throw invalid(at, `: expected a schema, found ${Array.isArray(value) ? 'a list' : typeof value}`)
}

function referenceFault({ $ref: reference }: JsonSchema, root: unknown) {
  if (reference === undefined || isSchema(resolve(reference, root))) return undefined
  return { keyword: '$ref', reason: 'is not the place of a schema in this one' }
}

/** Rules are made as for `anyOf`: that one schema takes an answer must mean that no other one does. */
function alternativesFault({ oneOf }: JsonSchema, root: unknown) {
  if (!Array.isArray(oneOf)) return undefined
  const all = oneOf.map((each) => followed(each, root))
  const isHeld =
    all.length <= MOST_ALTERNATIVES && all.every((one, at) => all.slice(0, at).every((two) => areApart(one, two)))
  return isHeld ? undefined : { keyword: 'oneOf', reason: 'is not supported where its schemas may overlap; use anyOf' }
}

function followed(schema: unknown, root: unknown): JsonSchema {
  let at = schema
  for (let step = 0; step < MOST_REFERENCES && isSchema(at) && at['$ref'] !== undefined; step++) {
    at = resolve(at['$ref'], root)
  }
  return isSchema(at) ? at : {}
}

/** What a reference inside of the schema points at. Names that JSON pointers escape are not looked for. */
function resolve(reference: unknown, root: unknown): unknown {
  if (typeof reference !== 'string' || !/^#(\/[^~%]*)?$/.test(reference)) return undefined
  let at = root
  for (const name of reference.split('/').slice(1)) {
    at = typeof at === 'object' && at !== null && Object.hasOwn(at, name) ? (at as JsonSchema)[name] : undefined
  }
  return at
}

function invalid(param: string, fault: string): AppError {
  return new AppError('grammar.invalid', `${param.slice(0, 300)}${fault}.`, { param: param.slice(0, 300) })
}
