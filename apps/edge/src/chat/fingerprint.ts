import { type ModelMetadata, toHex } from '@loupe/shared/wire'

const CHARACTERS = 10

/** A name for what a worker says of its model: as long as it is the same, seeds give the same answers. */
export async function fingerprint(metadata: ModelMetadata): Promise<string> {
  const bytes = new TextEncoder().encode(JSON.stringify(metadata))
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
  return `fp_${toHex(digest).slice(0, CHARACTERS)}`
}
