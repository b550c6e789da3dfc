/** Writes `apps/edge/playground/openapi.json`: `npm run -w test openapi`. */
import { readFile, writeFile } from 'node:fs/promises'
import { runScript } from '../../bench/script.ts'
import { DOCUMENT_PATH, generateDocument } from './generate.ts'

await runScript({
  summary: 'openapi: writes the OpenAPI document that the edge serves',
  help: `
usage: npm run -w test openapi

Makes the document of the table in apps/edge/src/openapi, of the zod schemas that the routes parse with, and of the
comments in their sources, and writes it to apps/edge/playground/openapi.json. A test fails while it is another one.`,
  options: {},
  async run(_, { stdout }) {
    const document = generateDocument()
    const was = await readFile(DOCUMENT_PATH, 'utf8').catch(() => '')
    await writeFile(DOCUMENT_PATH, document)
    stdout.write(`${DOCUMENT_PATH}: ${was === document ? 'as it was' : 'written'}\n`)
  },
})
