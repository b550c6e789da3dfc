import { join } from 'node:path'
import { AppError } from '@loupe/shared/errors'
import { readBounded } from './read-bounded.ts'

/** A chat template in Jinja, as a checkpoint brings it. Not trusted: only a process of its own may run it. */
export interface ChatTemplate {
  readonly text: string
  /** Where it stands, for messages. */
  readonly source: string
}

/** Gemma's file takes 1.2 MB: it lists every reserved token. */
const MOST_FILE_BYTES = 16 * 1024 * 1024
/** Gemma's template takes 1.5 KB; those that describe tools take twenty. */
const MOST_CHARACTERS = 262_144

/**
 * The chat template of a directory in Hugging Face layout: `chat_template.jinja`, else the `chat_template` of
 * `tokenizer_config.json` or `chat_template.json`. Of several by name it is the one called `default`.
 *
 * @returns `undefined` if the directory has none
 * @throws AppError `config.invalid` if one of the files is broken, or the template too long
 */
export async function readChatTemplate(directory: string): Promise<ChatTemplate | undefined> {
  const jinja = join(directory, 'chat_template.jinja')
  const text = await readBounded(jinja, MOST_FILE_BYTES, 'config.invalid')
  if (text !== undefined) return asChatTemplate(text, jinja)
  for (const name of ['tokenizer_config.json', 'chat_template.json']) {
    const path = join(directory, name)
    const template = templateOf(await readBounded(path, MOST_FILE_BYTES, 'config.invalid'), path)
    if (template !== undefined) return asChatTemplate(template, `chat_template of ${path}`)
  }
  return undefined
}

/** @throws AppError `config.invalid` if it is no text or too long */
export function asChatTemplate(value: unknown, source: string): ChatTemplate {
  if (typeof value === 'string' && value.length <= MOST_CHARACTERS) return { text: value, source }
  const found = typeof value === 'string' ? `${value.length} characters` : typeof value
  throw new AppError('config.invalid', `${source}: expected a text of ${MOST_CHARACTERS} at most, found ${found}.`)
}

function templateOf(json: string | undefined, path: string): unknown {
  const file = json === undefined ? {} : parse(json, path)
  const template = isRecord(file) ? file['chat_template'] : undefined
  if (!Array.isArray(template)) return template ?? undefined
  const named: readonly unknown[] = template
  const found = named.find((entry) => isRecord(entry) && entry['name'] === 'default')
  return isRecord(found) ? found['template'] : undefined
}

function parse(json: string, path: string): unknown {
  try {
    return JSON.parse(json)
  } catch (cause) {
    throw new AppError('config.invalid', `${path}: expected JSON, found something else.`, { cause })
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}
