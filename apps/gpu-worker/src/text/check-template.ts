import { buildPrompt, type ChatMessage, type ImageTokens } from '@loupe/shared/chat'
import { AppError } from '@loupe/shared/errors'
import type { Tokenizer } from '@loupe/shared/tokenizer'
import type { ChatTemplate } from './chat-template.ts'
import { type Rendering, renderTemplate } from './render-template.ts'

/** What a template is compared with. */
export interface TemplateCheck {
  readonly tokenizer: Tokenizer
  /** Compare conversations with pictures too. */
  readonly withImages: boolean
  readonly signal: AbortSignal
}

/** A conversation that tells templates apart. */
interface Probe {
  readonly name: string
  readonly messages: readonly ChatMessage[]
}

const user = (content: ChatMessage['content']): ChatMessage => ({ role: 'user', content })
const assistant = (content: ChatMessage['content']): ChatMessage => ({ role: 'assistant', content })
const system: ChatMessage = { role: 'system', content: ' Answer in one word. ' }
const part = (text: string) => ({ type: 'text', text }) as const
const image = { type: 'image' } as const

const TEXT_PROBES: readonly Probe[] = [
  { name: 'a question', messages: [user('What is red?')] },
  { name: 'a question with space round it', messages: [user('  What\n\n is red? \n')] },
  { name: 'a question after a system message', messages: [system, user('What is red?')] },
  { name: 'three turns', messages: [user('Hi'), assistant(' Hello. \n'), user('What is red?')] },
  {
    name: 'five turns after a system message',
    messages: [system, user('a'), assistant('b'), user('c'), assistant('d'), user('e')],
  },
]

const IMAGE_PROBES: readonly Probe[] = [
  { name: 'a question before a picture', messages: [user([part('What is this? '), image])] },
  { name: 'a question after two pictures', messages: [system, user([image, image, part('What differs?')])] },
  {
    name: 'pictures in two turns',
    messages: [user([image, part('What?')]), assistant('A cat.'), user([part(' And '), image, part(' this?')])],
  },
]

/** Variables that templates take from the tokenizer. */
const CONTROL = { bos_token: '<bos>', eos_token: '<eos>', pad_token: '<pad>', unk_token: '<unk>' } as const

/**
 * Compares the chat template of a checkpoint with the one that we write prompts with: Gemma 3's, fixed, because control
 * tokens must be written as ids and never come out of a message. Both must write the same for a set of conversations.
 *
 * @throws AppError `config.invalid` naming the first conversation that differs, what was expected and what was found
 */
export async function checkTemplate(template: ChatTemplate, check: TemplateCheck): Promise<void> {
  const probes = check.withImages ? [...TEXT_PROBES, ...IMAGE_PROBES] : TEXT_PROBES
  const contexts = probes.map(({ messages }) => ({ messages, add_generation_prompt: true, ...CONTROL }))
  const renderings = await renderTemplate({ template: template.text, contexts }, check.signal)
  if (renderings === undefined) throw refusal(template, 'conversations', 'one that takes too long or too much memory')
  probes.forEach((probe, at) => {
    compare(template, probe, { expected: ownPrompt(check.tokenizer, probe), found: renderings[at] })
  })
}

function ownPrompt(tokenizer: Tokenizer, { messages }: Probe): string {
  const boi = tokenizer.tokenId('<start_of_image>') ?? 0
  const imageTokens: ImageTokens = { boi, soft: boi, eoi: boi, tokensPerImage: 1 }
  return buildPrompt(tokenizer, messages, { imageTokens, asReference: true }).prompt
}

interface Comparison {
  readonly expected: string
  readonly found: Rendering | undefined
}

function compare(template: ChatTemplate, { name }: Probe, { expected, found }: Comparison): void {
  if (found === undefined || 'error' in found) {
    throw refusal(template, name, `one that fails: ${found?.error ?? 'no answer'}`)
  }
  if (found.text === expected) return
  throw refusal(template, name, `one that writes ${shown(found.text)} and not ${shown(expected)}`)
}

function shown(text: string): string {
  return JSON.stringify(text.length > 300 ? `${text.slice(0, 300)}…` : text)
}

function refusal({ source }: ChatTemplate, what: string, found: string): AppError {
  const expected = `expected a chat template that writes ${what} as Gemma 3's does, found ${found}`
  const way = "To write prompts with Gemma 3's all the same, give --chat-template gemma3."
  return new AppError('config.invalid', `${source}: ${expected}. ${way}`)
}
