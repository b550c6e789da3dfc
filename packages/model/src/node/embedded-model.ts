import { fileURLToPath } from 'node:url'

/** The directory of the model that ships with the package: a checkpoint in Hugging Face layout. */
export function embeddedModelDirectory(): string {
  return fileURLToPath(new URL('../../assets/loupe-tiny', import.meta.url))
}
