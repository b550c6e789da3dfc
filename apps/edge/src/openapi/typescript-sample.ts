import { indented, typescriptLiteral } from './code-literals.ts'
import type { Operation } from './operation.ts'
import { bodyOf, EXAMPLE_ORIGIN, ids, keyOf, pathOf } from './sample-request.ts'

/** A call of the library of OpenAI or Anthropic, where it has one; otherwise of fetch. */
export function typescriptSample(operation: Operation): string {
  const { sdk } = operation
  if (sdk === undefined) return typescriptRequest(operation)
  const [name, from, base] =
    sdk.client === 'openai'
      ? ['OpenAI', 'openai', `${EXAMPLE_ORIGIN}/v1`]
      : ['Anthropic', '@anthropic-ai/sdk', EXAMPLE_ORIGIN]
  const body = bodyOf(operation)
  const call = sdk.call
    .split('.')
    .map((step) => step.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()))
    .join('.')
  const given = [...ids(operation).map(typescriptLiteral), ...(body === undefined ? [] : [typescriptLiteral(body)])]
  const file = operation.body?.kind === 'form' ? ["{ file: createReadStream('square.png'), purpose: 'vision' }"] : []
  const isForm = file.length > 0
  const shown = operation.reply.isBytes ? 'await reply.text()' : 'reply'
  return `${isForm ? "import { createReadStream } from 'node:fs'\n" : ''}import ${name} from '${from}'

const client = new ${name}({ baseURL: '${base}', apiKey: process.env['LOUPE_API_KEY'] })
const reply = await client.${call}(${[...given, ...file].join(', ')})
console.log(${shown})`
}

function typescriptRequest(operation: Operation): string {
  const { method, key } = operation
  const body = bodyOf(operation)
  const headers = [
    ...(key === 'none' ? [] : [`authorization: \`Bearer \${process.env['${keyOf(operation)}']}\``]),
    ...(body === undefined ? [] : ["'content-type': 'application/json'"]),
  ]
  const options = [
    ...(method === 'get' ? [] : [`method: '${method.toUpperCase()}'`]),
    ...(headers.length === 0 ? [] : [`headers: { ${headers.join(', ')} }`]),
    ...(body === undefined ? [] : [`body: JSON.stringify(${indented(typescriptLiteral(body), '  ')})`]),
  ]
  const init = options.length === 0 ? '' : `, {\n${options.map((option) => `  ${option},\n`).join('')}}`
  return `const reply = await fetch('${EXAMPLE_ORIGIN}${pathOf(operation)}'${init})
console.log(await reply.json())`
}
