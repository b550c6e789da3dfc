import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { QUERIES, REPLIES, REQUESTS } from '@loupe/edge/src/openapi/components.ts'
import { openApiDocument } from '@loupe/edge/src/openapi/document.ts'
import { readFieldNotes } from './field-notes.ts'

const EDGE = fileURLToPath(new URL('../../../apps/edge/', import.meta.url))

/** Where the document is, as it is served. */
export const DOCUMENT_PATH = `${EDGE}playground/openapi.json`

/** Makes the text of the document: of the schemas that the routes parse with, and of what their comments say. */
export function generateDocument(): string {
  const notes = readFieldNotes(`${EDGE}src/openapi/components.ts`, { REQUESTS, REPLIES, QUERIES })
  const { version } = JSON.parse(readFileSync(`${EDGE}package.json`, 'utf8'))
  return `${JSON.stringify(openApiDocument({ version, notes }), null, 1)}\n`
}
