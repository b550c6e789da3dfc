import type { ResponseSettings } from './responses-object.ts'
import type { ResponsesBody } from './responses-request.ts'
import { servedTier } from './service-tier.ts'

/** The settings of a request as its response repeats them: whole, and in one way only. */
export function settingsOf(body: ResponsesBody): ResponseSettings {
  return {
    background: false,
    instructions: body.instructions ?? null,
    max_output_tokens: body.max_output_tokens ?? null,
    max_tool_calls: null,
    metadata: body.metadata ?? {},
    parallel_tool_calls: body.parallel_tool_calls ?? true,
    previous_response_id: body.previous_response_id ?? null,
    prompt_cache_key: body.prompt_cache_key ?? null,
    reasoning: { effort: null, summary: null },
    safety_identifier: body.safety_identifier ?? null,
    service_tier: servedTier(body.service_tier) ?? 'default',
    store: body.store ?? true,
    temperature: body.temperature ?? null,
    text: { format: formatOf(body) },
    tool_choice: choiceOf(body),
    tools: (body.tools ?? []).map(toolOf),
    top_logprobs: body.top_logprobs ?? 0,
    top_p: body.top_p ?? null,
    truncation: 'disabled',
    user: body.user ?? null,
  }
}

function formatOf({ text }: ResponsesBody): ResponseSettings['text']['format'] {
  const format = text?.format
  if (format?.type !== 'json_schema') return { type: format?.type ?? 'text' }
  const { type, name, schema, description, strict } = format
  return { type, name, description: description ?? null, schema, strict: strict ?? false }
}

function toolOf({ type, name, description, parameters, strict }: NonNullable<ResponsesBody['tools']>[number]) {
  return { type, name, description: description ?? null, parameters: parameters ?? null, strict: strict ?? false }
}

function choiceOf({ tool_choice: choice }: ResponsesBody): ResponseSettings['tool_choice'] {
  if (typeof choice === 'string') return choice
  if (choice === null || choice === undefined) return 'auto'
  if (choice.type === 'function') return { type: choice.type, name: choice.name }
  const tools = choice.tools.map(({ type, name }) => ({ type, name }))
  return { type: choice.type, mode: choice.mode, tools }
}
