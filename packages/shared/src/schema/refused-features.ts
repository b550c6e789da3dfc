import { AppError } from '../errors/index.ts'

/** A field of the chat API that is not offered yet, and which of its values ask for nothing and are tolerated. */
interface RefusedFeature {
  readonly field: string
  isHarmless(value: unknown): boolean
  /** The field that does what this one did. */
  readonly instead?: string
}

const isEmpty = (value: unknown): boolean =>
  value === null || (typeof value === 'object' && Object.keys(value).length === 0)
const isOneOf =
  (...harmless: readonly unknown[]) =>
  (value: unknown): boolean =>
    value === null || harmless.includes(value)

/**
 * Every parameter that would change the answer and that Loupe does not offer. A request that uses one is refused by
 * name: an answer that silently ignores what was asked is worse than none.
 */
const REFUSED: readonly RefusedFeature[] = [
  { field: 'functions', isHarmless: isEmpty, instead: 'tools' },
  { field: 'function_call', isHarmless: isOneOf('none', 'auto'), instead: 'tool_choice' },
  { field: 'prompt_logprobs', isHarmless: isOneOf(false, 0) },
  { field: 'best_of', isHarmless: isOneOf(1) },
  { field: 'use_beam_search', isHarmless: isOneOf(false) },
  { field: 'echo', isHarmless: isOneOf(false) },
  { field: 'bad_words', isHarmless: isEmpty },
  { field: 'grammar', isHarmless: isOneOf() },
  { field: 'modalities', isHarmless: (value) => value === null || isTextOnly(value) },
  { field: 'audio', isHarmless: isOneOf() },
  { field: 'prediction', isHarmless: isOneOf() },
  { field: 'web_search_options', isHarmless: isOneOf() },
  { field: 'store', isHarmless: isOneOf(false) },
  { field: 'skip_special_tokens', isHarmless: isOneOf(true) },
]

/** The roles and parts that OpenAI knows and Loupe does not take. */
const REFUSED_ROLES = ['function']
const KNOWN_PARTS = ['text', 'input_text', 'image_url', 'input_image', 'file', 'refusal']

/**
 * Looks for features that are not offered, before the schema is applied: their refusal must name the feature, not the
 * type it should have had.
 *
 * @throws AppError `request.unsupported` with the `param` of the first one
 */
export function refuseUnofferedFeatures(body: Readonly<Record<string, unknown>>): void {
  for (const { field, isHarmless, instead } of REFUSED) {
    const value = body[field]
    if (value === undefined || isHarmless(value)) continue
    const hint = instead === undefined ? '.' : `; use "${instead}".`
    throw refusal(field, `"${field}" is not offered by this server${hint}`)
  }
  refuseCustomTools(body['tools'], 'tools')
  const messages = body['messages']
  if (Array.isArray(messages)) messages.forEach(refuseInMessage)
}

/** True for a field that is looked at here, so that it counts as known. */
export function isRefusable(field: string): boolean {
  return REFUSED.some((feature) => feature.field === field)
}

function refuseInMessage(message: unknown, index: number): void {
  if (!isRecord(message)) return
  const at = `messages[${index}]`
  const { role, content } = message
  if (typeof role === 'string' && REFUSED_ROLES.includes(role)) {
    throw refusal(`${at}.role`, `Messages of the role "${role}" are not offered by this server.`)
  }
  refuseCustomTools(message['tool_calls'], `${at}.tool_calls`)
  for (const field of ['function_call', 'audio']) {
    const value = message[field]
    if (value !== undefined && !isEmpty(value)) {
      throw refusal(`${at}.${field}`, `"${field}" in a message is not offered by this server.`)
    }
  }
  if (!Array.isArray(content)) return
  content.forEach((part, place) => {
    refusePart(part, role, `${at}.content[${place}]`)
  })
}

/** A custom tool takes free text instead of arguments. */
function refuseCustomTools(tools: unknown, at: string): void {
  if (!Array.isArray(tools)) return
  const index = tools.findIndex((tool) => typeof typeOf(tool) === 'string' && typeOf(tool) !== 'function')
  if (index < 0) return
  const type = String(typeOf(tools[index])).slice(0, 64)
  throw refusal(`${at}[${index}].type`, `Tools of the type "${type}" are not offered by this server.`)
}

function refusePart(part: unknown, role: unknown, at: string): void {
  const type = typeOf(part)
  if (typeof type !== 'string') return
  if (!KNOWN_PARTS.includes(type)) {
    throw refusal(`${at}.type`, `Parts of the type "${type.slice(0, 64)}" are not offered by this server.`)
  }
  const isImage = type === 'image_url' || type === 'input_image' || type === 'file'
  // What is no text is no role, and to quote it could take more calls than there are.
  if (isImage && typeof role === 'string' && role !== 'user' && role !== 'tool') {
    throw refusal(at, `Pictures are taken in user and tool messages only, not in ${role.slice(0, 64)} messages.`)
  }
  if (isImage && isRecord(part)) refuseNameOnly(part, at)
  const file = isRecord(part) ? part['file'] : undefined
  if (isRecord(file) && file['file_data'] !== undefined && file['file_data'] !== null) {
    throw refusal(
      `${at}.file.file_data`,
      'Files inside a message are not offered: upload a picture and name its "file_id".',
    )
  }
}

/**
 * vLLM takes a picture that it was sent before by its `uuid` alone, while it has it. Here a picture is known by what it
 * shows: sent again it costs the worker nothing, and there is nothing to name.
 */
function refuseNameOnly({ uuid, image_url: address }: Record<string, unknown>, at: string): void {
  if (typeof uuid !== 'string' || (address !== undefined && address !== null)) return
  throw refusal(`${at}.uuid`, 'No picture is kept by its "uuid": send the picture itself again.')
}

function refusal(param: string, detail: string): AppError {
  return new AppError('request.unsupported', detail, { param })
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function typeOf(value: unknown): unknown {
  return isRecord(value) ? value['type'] : undefined
}

function isTextOnly(value: unknown): boolean {
  return Array.isArray(value) && value.every((item) => item === 'text')
}
