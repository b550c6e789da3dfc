import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { buildPrompt, type ChatMessage, type ImageTokens, parseMessages } from '@loupe/shared/chat'
import { AppError } from '@loupe/shared/errors'
import type { Tokenizer } from '@loupe/shared/tokenizer'
import { checkTemplate } from '../text/check-template.ts'
import { openModelText } from '../text/model-text.ts'
import type { Command } from './command.ts'
import { parseJson, readText } from './json-lines.ts'
import { modelPath } from './model-path.ts'
import { readTemplateOption, TEMPLATE_OPTIONS } from './worker-options.ts'

/** Of every released Gemma 3; a directory without a config.json, which holds only a tokenizer, means these. */
const GEMMA_TOKENS_PER_IMAGE = 256

/** `loupe chat`: messages to the prompt and the ids that the model reads. */
export const chat: Command = {
  summary: 'turn messages into a prompt and its token ids',
  help: `
usage: loupe chat [--model PATH] [--plain-text] < messages.json

Reads a JSON list of messages and writes one JSON object {"prompt": "...", "ids": [...]}. Each image is one token in
the prompt and its full run in the ids. Content is a text or a list of {"type": "text", "text": "..."} and
{"type": "image"}.

  --model PATH           a directory with a tokenizer.json, or a GGUF language model (default: the embedded model)
  --plain-text           as the server does it: control tokens written in a message are text without effect, and
                         messages that the template would silently drop are refused; by default the output is the
                         reference's, id by id
  --chat-template NAME   gemma3: write the prompt as Gemma 3 does, whatever template the model brings

example: echo '[{"role":"user","content":[{"type":"image"},{"type":"text","text":"What is this?"}]}]' | loupe chat`,
  options: { model: { type: 'string' }, 'plain-text': { type: 'boolean' }, ...TEMPLATE_OPTIONS },
  async run(args, io) {
    const messages = parseMessages(parseJson(await readText(io.stdin), 'standard input'))
    const path = await modelPath(args)
    const { tokenizer, template } = await openModelText(path)
    if (template !== undefined && readTemplateOption(args) === undefined) {
      await checkTemplate(template, { tokenizer, withImages: messages.some(hasImage), signal: io.signal })
    }
    const imageTokens = findImageTokens(tokenizer, await readTokensPerImage(path))
    const { prompt, ids } = buildPrompt(tokenizer, messages, {
      ...(imageTokens === undefined ? {} : { imageTokens }),
      asReference: args.values['plain-text'] !== true,
    })
    io.stdout.write(`${JSON.stringify({ prompt, ids: [...ids] })}\n`)
  },
}

function hasImage({ content }: ChatMessage): boolean {
  return typeof content !== 'string' && content.some(({ type }) => type === 'image')
}

function findImageTokens(tokenizer: Tokenizer, tokensPerImage: number): ImageTokens | undefined {
  const boi = tokenizer.tokenId('<start_of_image>')
  const soft = tokenizer.tokenId('<image_soft_token>')
  const eoi = tokenizer.tokenId('<end_of_image>')
  if (boi === undefined || soft === undefined || eoi === undefined) return undefined
  return { boi, soft, eoi, tokensPerImage }
}

async function readTokensPerImage(directory: string): Promise<number> {
  const text = await readFile(join(directory, 'config.json'), 'utf8').catch(() => undefined)
  if (text === undefined) return GEMMA_TOKENS_PER_IMAGE
  const config = parseJson(text, 'config.json')
  const tokens = typeof config === 'object' && config !== null && 'mm_tokens_per_image' in config
  const count = tokens ? config.mm_tokens_per_image : GEMMA_TOKENS_PER_IMAGE
  if (typeof count === 'number' && Number.isInteger(count) && count > 0 && count <= 4096) return count
  throw new AppError('config.invalid', `mm_tokens_per_image: expected 1 to 4096, found ${JSON.stringify(count)}.`)
}
