import { AppError } from '@loupe/shared/errors'
import { openModelText } from '../text/model-text.ts'
import type { Command } from './command.ts'
import { jsonLines } from './json-lines.ts'
import { modelPath } from './model-path.ts'

/** `loupe tokenize`: JSON lines of texts to JSON lines of token ids, one for one, as they arrive. */
export const tokenize: Command = {
  summary: 'turn texts into token ids',
  help: `
usage: loupe tokenize [--model PATH] [--raw-special] < texts.jsonl

Reads JSON lines {"text": "..."} and writes, for each, a JSON line {"ids": [...]}.

  --model PATH    a directory with a tokenizer.json, or a GGUF language model (default: the embedded model)
  --raw-special   control tokens written in a text take effect; by default they are plain text

example: echo '{"text":"Hello"}' | loupe tokenize`,
  options: { model: { type: 'string' }, 'raw-special': { type: 'boolean' } },
  async run(args, io) {
    const { tokenizer } = await openModelText(await modelPath(args))
    const parseSpecial = args.values['raw-special'] === true
    for await (const { line, value } of jsonLines(io.stdin)) {
      io.signal.throwIfAborted()
      const ids = tokenizer.encode(textOf(value, line), { parseSpecial })
      io.stdout.write(`{"ids":[${ids.join(',')}]}\n`)
    }
  },
}

function textOf(value: unknown, line: number): string {
  if (typeof value === 'object' && value !== null && 'text' in value && typeof value.text === 'string') {
    return value.text
  }
  const found = JSON.stringify(value).slice(0, 60)
  throw new AppError('request.invalid', `line ${line}: expected {"text": "..."}, found ${found}.`)
}
