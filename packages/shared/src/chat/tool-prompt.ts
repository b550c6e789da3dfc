import type { ChatTools, ConversationMessage, FunctionTool, ToolCall } from '../schema/index.ts'

/**
 * Gemma 3 was given no tokens for calls: they are text, and so is what asks for them.
 *
 * @see https://ai.google.dev/gemma/docs/capabilities/function-calling, "Function calling with JSON", of which all but the
 *   line on several functions is taken
 */
const BEFORE_FORM = `You have access to functions. If you decide to invoke any of the function(s),
you MUST put it in the format of
{"name": function name, "parameters": dictionary of argument name and its value}
`
const SEVERAL = `To invoke several functions at once, put them in a list: [{"name": ...}, {"name": ...}]
`
const AFTER_FORM = `
You SHOULD NOT include any other text in the response if you call a function
`

/** What tells the model which functions it may call, and how. */
export function toolInstruction({ functions, parallel }: Pick<ChatTools, 'functions' | 'parallel'>): string {
  const list = JSON.stringify(functions.map(declaration), null, 2)
  return `${BEFORE_FORM}${parallel ? SEVERAL : ''}${AFTER_FORM}${list}`
}

/** An answer that calls functions, as the model writes it. The arguments stand as they were written. */
export function toolCallText(content: string, calls: readonly ToolCall[]): string {
  const written = calls.map(({ name, arguments: text }) => `{"name": ${JSON.stringify(name)}, "parameters": ${text}}`)
  const all = written.length === 1 ? written.join('') : `[${written.join(', ')}]`
  return content === '' ? all : `${content}\n${all}`
}

/**
 * What a function gave, for a turn of the user: the model knows no other speaker.
 *
 * @param result - JSON is taken as it is; anything else is written as a JSON string, which ends where it ends
 * @see `gemma_llm.py` of google/adk-python, which writes the results of Gemma 3's calls this way
 */
export function toolResultText(name: string, result: string): string {
  return `Invoking tool \`${name}\` produced: \`${isJson(result) ? result.trim() : JSON.stringify(result)}\`.`
}

/** The name of the function that a tool message has the result of. */
export function calledName(messages: readonly ConversationMessage[], at: number): string {
  const id = messages[at]?.toolCallId
  for (let before = at - 1; before >= 0; before--) {
    const call = messages[before]?.toolCalls?.find((each) => each.id === id)
    if (call !== undefined) return call.name
  }
  return messages[at]?.name ?? 'unknown'
}

function declaration({ name, description, parameters }: FunctionTool): Record<string, unknown> {
  return {
    name,
    ...(description === undefined ? {} : { description }),
    parameters: parameters ?? { type: 'object', properties: {} },
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
