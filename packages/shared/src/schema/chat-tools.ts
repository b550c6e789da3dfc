import { z } from 'zod'
import { boundedList } from '../bounded-list.ts'
import { AppError } from '../errors/index.ts'
import { checkSchema } from '../wire/index.ts'

/** As many as OpenAI takes. */
const MOST_TOOLS = 128

/** The name of a function: nothing that would have to be escaped in JSON. */
export const functionName = z.string().regex(/^[\w.-]{1,128}$/, 'expected a name of at most 128 of A-Z a-z 0-9 _ . -')

/** A function that the model may call. */
const functionTool = z.looseObject({
  type: z.literal('function'),
  function: z.looseObject({
    name: functionName,
    /** What it does, for the model. */
    description: z.string().nullish(),
    /** JSON schema of an object; none takes no arguments. */
    parameters: z.record(z.string(), z.unknown()).nullish(),
    /** Accepted; arguments always fit their schema here. */
    strict: z.boolean().nullish(),
  }),
})

const namedFunction = z.looseObject({ type: z.literal('function'), function: z.looseObject({ name: functionName }) })
const mode = z.enum(['none', 'auto', 'required'])

const toolChoice = z.union([
  mode,
  z.discriminatedUnion('type', [
    namedFunction,
    z.looseObject({
      type: z.literal('allowed_tools'),
      allowed_tools: z.looseObject({
        mode: z.enum(['auto', 'required']),
        tools: boundedList(namedFunction, [1, MOST_TOOLS]),
      }),
    }),
  ]),
])

/** The fields of a request that say which functions may be called. */
export const toolFields = {
  /** The functions that may be called. */
  tools: boundedList(functionTool, [0, MOST_TOOLS]).nullish(),
  /** Whether one has to be called, and which. `auto` unless told otherwise. */
  tool_choice: toolChoice.nullish(),
  /** Whether an answer may make several calls. True unless told otherwise. */
  parallel_tool_calls: z.boolean().nullish(),
}

type Fields = z.infer<z.ZodObject<typeof toolFields>>

/** A function that the model may call. */
export interface FunctionTool {
  /** Unique in its request. */
  readonly name: string
  /** What it does, for the model. */
  readonly description?: string
  /** JSON schema of its arguments, an object; left out for a function without any. */
  readonly parameters?: Readonly<Record<string, unknown>>
  /** As the client has it: arguments always fit their schema, strict or not. */
  readonly strict: boolean
  /** Where its schema stands in the request, for errors. */
  readonly param: string
}

/** Which functions may be called, and whether one has to be. */
export interface ChatTools {
  /** Empty when there are none. Of `allowed_tools` only the allowed ones. */
  readonly functions: readonly FunctionTool[]
  /** `required`: any of them; a name: this one. */
  readonly choice: 'auto' | 'none' | 'required' | { readonly name: string }
  /** Whether an answer may make several calls. */
  readonly parallel: boolean
}

/** @throws AppError `grammar.invalid` for a schema that arguments cannot be held to; `request.invalid` for two functions of one name, or a choice among functions that are not there */
export function readTools({ tools, tool_choice: choice, parallel_tool_calls: parallel }: Fields): ChatTools {
  const functions = (tools ?? []).map(readTool)
  for (const tool of functions) checkParameters(tool)
  functions.forEach(({ name }, at) => {
    if (functions.findIndex((other) => other.name === name) === at) return
    throw invalid(`tools[${at}].function.name`, 'expected a name that no other function has', name)
  })
  return { ...readChoice(functions, choice), parallel: parallel ?? true }
}

function readTool({ function: tool }: NonNullable<Fields['tools']>[number], index: number): FunctionTool {
  const { name, description, parameters, strict } = tool
  return {
    name,
    ...(typeof description === 'string' ? { description } : {}),
    // {} takes anything; what is meant is a function without arguments.
    ...(Object.keys(parameters ?? {}).length === 0 ? {} : { parameters: parameters ?? {} }),
    strict: strict ?? false,
    param: `tools[${index}].function.parameters`,
  }
}

/** Arguments are an object. */
function checkParameters({ parameters, param }: FunctionTool): void {
  if (parameters === undefined) return
  checkSchema(parameters, param)
  if (parameters['type'] === 'object') return
  throw new AppError('request.invalid', `${param}.type: expected "object".`, { param: `${param}.type` })
}

function readChoice(
  functions: readonly FunctionTool[],
  asked: Fields['tool_choice'],
): Pick<ChatTools, 'functions' | 'choice'> {
  if (asked === null || asked === undefined) return { functions, choice: 'auto' }
  if (typeof asked === 'string') {
    if (asked !== 'required' || functions.length > 0) return { functions, choice: asked }
    throw new AppError('request.invalid', 'tool_choice: expected "tools" beside "required".', { param: 'tool_choice' })
  }
  if (asked.type === 'function') {
    const { name } = asked.function
    expectFunction(functions, name, 'tool_choice.function.name')
    return { functions, choice: { name } }
  }
  const { mode, tools } = asked.allowed_tools
  tools.forEach(({ function: { name } }, at) => {
    expectFunction(functions, name, `tool_choice.allowed_tools.tools[${at}].function.name`)
  })
  const allowed = new Set(tools.map(({ function: { name } }) => name))
  return { functions: functions.filter(({ name }) => allowed.has(name)), choice: mode }
}

function expectFunction(functions: readonly FunctionTool[], wanted: string, param: string): void {
  if (functions.some(({ name }) => name === wanted)) return
  throw invalid(param, 'expected the name of one of the tools', wanted)
}

function invalid(param: string, expected: string, found: string): AppError {
  return new AppError('request.invalid', `${param}: ${expected}, found "${found}".`, { param })
}
