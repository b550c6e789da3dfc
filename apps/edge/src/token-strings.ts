import type { Tokenizer } from '@loupe/shared/tokenizer'

const SPACE = '\u2581'

/** Tokens as the vocabulary spells them: U+2581 for a space, `<0xE2>` for a byte that is no character by itself. */
export function tokenStrings(tokenizer: Tokenizer, ids: Iterable<number>): string[] {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  return Array.from(ids, (id) => {
    const bytes = tokenizer.tokenBytes(id)
    try {
      return decoder.decode(bytes).replaceAll(' ', SPACE)
    } catch {
      return Array.from(bytes, (byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`).join('')
    }
  })
}
