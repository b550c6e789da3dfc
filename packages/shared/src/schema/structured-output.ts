import { z } from 'zod'
import { boundedList } from '../bounded-list.ts'
import { AppError } from '../errors/index.ts'
import { checkSchema, type GenerateGrammar } from '../wire/index.ts'

/** As the worker takes them. */
const MAX_CHARACTERS = 65_536
const MOST_CHOICES = 1024

/** A JSON schema, as an object or as its text. */
const jsonSchema = z.union([z.string().min(1), z.record(z.string(), z.unknown())])
const text = z.string().min(1)
const choices = boundedList(text, [1, MOST_CHOICES])

/** What the answer has to be. What is said of a schema besides the schema changes nothing. */
const responseFormat = z.discriminatedUnion('type', [
  z.looseObject({ type: z.literal('text') }),
  z.looseObject({ type: z.literal('json_object') }),
  z.looseObject({ type: z.literal('json_schema'), json_schema: z.looseObject({ schema: jsonSchema }) }),
])

/** The same as vLLM has it: one of these. */
const structuredOutputs = z.strictObject({
  json: jsonSchema.nullish(),
  /** Any JSON object. */
  json_object: z.boolean().nullish(),
  /** A regular expression that the whole answer matches. */
  regex: text.nullish(),
  /** One of these texts. */
  choice: choices.nullish(),
  /** A grammar in EBNF, as XGrammar reads it. */
  grammar: text.nullish(),
})

/** The fields of a request that say what its answer has to be. `guided_*` are vLLM's older names. */
export const structuredOutputFields = {
  response_format: responseFormat.nullish(),
  structured_outputs: structuredOutputs.nullish(),
  /** The older name of `structured_outputs.json`. */
  guided_json: jsonSchema.nullish(),
  /** The older name of `structured_outputs.regex`. */
  guided_regex: text.nullish(),
  /** The older name of `structured_outputs.choice`. */
  guided_choice: choices.nullish(),
  /** The older name of `structured_outputs.grammar`. */
  guided_grammar: text.nullish(),
}

type Fields = z.infer<z.ZodObject<typeof structuredOutputFields>>

/** What an answer has to be, and which field of the request says so. */
export interface StructuredOutput {
  /** For the worker. */
  readonly grammar: GenerateGrammar
  /** The JSON path of the field, for errors. */
  readonly param: string
}

/**
 * @throws AppError `request.invalid` for one that is too long, or for several that would have to agree; `grammar.invalid`
 *   for a schema that an answer cannot be held to
 */
export function readStructuredOutput(fields: Fields): StructuredOutput | undefined {
  const [asked, ...others] = [...ofResponseFormat(fields), ...ofStructuredOutputs(fields), ...ofGuided(fields)]
  if (asked === undefined) return undefined
  const { param, grammar } = asked
  const [other] = others
  if (other !== undefined) throw invalid(other.param, `expected nothing beside "${param}".`)
  const length = JSON.stringify(grammar).length
  if (length > MAX_CHARACTERS) throw invalid(param, `expected at most ${MAX_CHARACTERS} characters, found ${length}.`)
  return asked
}

function ofResponseFormat({ response_format: format }: Fields): StructuredOutput[] {
  const param = 'response_format'
  if (format?.type === 'json_object') return [{ param, grammar: { type: 'json_object' } }]
  if (format?.type !== 'json_schema') return []
  return [ofSchema(format.json_schema.schema, `${param}.json_schema.schema`)]
}

function ofStructuredOutputs({ structured_outputs: asked }: Fields): StructuredOutput[] {
  const at = 'structured_outputs'
  if (asked === null || asked === undefined) return []
  const { json, json_object: isObject, regex, choice, grammar } = asked
  const object: StructuredOutput = { param: `${at}.json_object`, grammar: { type: 'json_object' } }
  return [
    ...(isObject === true ? [object] : []),
    ...ofEach([json, regex, choice, grammar], [`${at}.json`, `${at}.regex`, `${at}.choice`, `${at}.grammar`]),
  ]
}

function ofGuided({ guided_json, guided_regex, guided_choice, guided_grammar }: Fields): StructuredOutput[] {
  const names = ['guided_json', 'guided_regex', 'guided_choice', 'guided_grammar'] as const
  return ofEach([guided_json, guided_regex, guided_choice, guided_grammar], names)
}

type Schema = z.infer<typeof jsonSchema>
type Each = readonly [
  json: Schema | null | undefined,
  regex: string | null | undefined,
  choice: string[] | null | undefined,
  grammar: string | null | undefined,
]

function ofEach([json, regex, choice, grammar]: Each, params: readonly [string, string, string, string]) {
  const found: StructuredOutput[] = []
  if (json !== null && json !== undefined) found.push(ofSchema(json, params[0]))
  if (typeof regex === 'string') found.push({ param: params[1], grammar: { type: 'regex', pattern: regex } })
  if (Array.isArray(choice)) found.push({ param: params[2], grammar: { type: 'choice', choices: choice } })
  if (typeof grammar === 'string') found.push({ param: params[3], grammar: { type: 'ebnf', grammar } })
  return found
}

function ofSchema(schema: Schema, param: string): StructuredOutput {
  const parsed = typeof schema === 'string' ? parseSchema(schema, param) : schema
  checkSchema(parsed, param)
  return { param, grammar: { type: 'json_schema', schema: JSON.stringify(parsed) } }
}

function parseSchema(text: string, param: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw invalid(param, 'expected a JSON schema, found text that is not JSON.')
  }
}

function invalid(param: string, fault: string): AppError {
  return new AppError('request.invalid', `${param}: ${fault}`, { param })
}
