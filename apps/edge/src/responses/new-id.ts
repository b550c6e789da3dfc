import { toHex } from '@loupe/shared/wire'

const RANDOM_BYTES = 24

/** An id that nobody can guess: `resp_` and 48 hexadecimal digits, as OpenAI's are. */
export function newId(prefix: string): string {
  return `${prefix}_${toHex(crypto.getRandomValues(new Uint8Array(RANDOM_BYTES)))}`
}
