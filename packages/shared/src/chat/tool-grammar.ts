import { AppError } from '../errors/index.ts'
import type { ChatTools, FunctionTool, StructuredOutput } from '../schema/index.ts'
import { eachSchema, type GenerateGrammar, type JsonSchema } from '../wire/index.ts'

/** As the worker takes a grammar. */
const MOST_CHARACTERS = 65_536

/** Most calls of one answer. */
const MOST_CALLS = 16

/** Whether an answer to the request may call functions. */
export function mayCall({ functions, choice }: ChatTools): boolean {
  return functions.length > 0 && choice !== 'none'
}

/**
 * What an answer has to be where functions may be called: `{"name": "f", "parameters": {...}}`, the parameters held to
 * the function's schema; a list of such calls, where several are allowed; and text or structured output, where no call is
 * required.
 *
 * @throws AppError `grammar.too_complex` for more than a worker takes
 * @param structure - JSON that an answer without a call has to be; undefined for any text
 */
export function toolGrammar(tools: ChatTools, structure?: StructuredOutput): GenerateGrammar {
  const { choice, parallel } = tools
  const named = typeof choice === 'object' ? choice.name : undefined
  const functions = tools.functions.filter(({ name }) => named === undefined || name === named)
  const several =
    parallel && named === undefined ? [{ type: 'array', items: CALL, minItems: 1, maxItems: MOST_CALLS }] : []
  const asked = choice === 'auto' ? structureSchema(structure) : undefined
  const schema = {
    anyOf: [CALL, ...several, ...(asked === undefined ? [] : [{ $ref: '#/$defs/answer' }])],
    $defs: {
      call: { anyOf: functions.map(callSchema) },
      ...Object.fromEntries(functions.map((tool, at) => [`f${at}`, argumentsSchema(tool, `#/$defs/f${at}`)])),
      ...(asked === undefined ? {} : { answer: moved(asked, '#/$defs/answer') }),
    },
  }
  const isText = choice === 'auto' && structure === undefined
  const text = JSON.stringify(schema)
  if (text.length > MOST_CHARACTERS) {
    const detail = `tools: expected schemas of at most ${MOST_CHARACTERS} characters in all, found ${text.length}.`
    throw new AppError('grammar.too_complex', detail, { param: 'tools' })
  }
  return { type: 'json_schema', schema: text, ...(isText ? { or_text: true } : {}) }
}

const CALL = { $ref: '#/$defs/call' }

function callSchema({ name }: FunctionTool, at: number): JsonSchema {
  return {
    type: 'object',
    properties: { name: { const: name }, parameters: { $ref: `#/$defs/f${at}` } },
    required: ['name', 'parameters'],
    additionalProperties: false,
  }
}

function argumentsSchema({ parameters }: FunctionTool, place: string): JsonSchema {
  return moved(parameters ?? { type: 'object', properties: {} }, place)
}

function structureSchema(structure: StructuredOutput | undefined): JsonSchema | undefined {
  if (structure?.grammar.type !== 'json_schema') return structure && { type: 'object', additionalProperties: true }
  return JSON.parse(structure.grammar.schema) as JsonSchema // looked at when the request was read
}

/** What says nothing of what an answer may be; the prompt has it. */
const ANNOTATIONS = ['title', 'description', 'default', 'examples', '$comment', '$schema', '$id']

/** The same schema at another place of a larger one: its references are to itself. */
function moved(schema: JsonSchema, place: string): JsonSchema {
  const copy = structuredClone(schema)
  eachSchema(copy, '', (each) => {
    for (const keyword of ANNOTATIONS) delete each[keyword]
    if (typeof each['$ref'] === 'string') each['$ref'] = `${place}${each['$ref'].slice(1)}`
  })
  return copy
}
