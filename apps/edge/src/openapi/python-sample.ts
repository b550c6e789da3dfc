import { argumentsOf, pythonLiteral } from './code-literals.ts'
import type { Operation } from './operation.ts'
import { bodyOf, EXAMPLE_ORIGIN, ids, keyOf, pathOf } from './sample-request.ts'

/** A call of the library of OpenAI or Anthropic, where it has one; otherwise of httpx. */
export function pythonSample(operation: Operation): string {
  const { sdk } = operation
  if (sdk === undefined) return pythonRequest(operation)
  const [name, base] = sdk.client === 'openai' ? ['OpenAI', `${EXAMPLE_ORIGIN}/v1`] : ['Anthropic', EXAMPLE_ORIGIN]
  const given = Object.entries(bodyOf(operation) ?? {}).map(([field, value]) => `${field}=${pythonLiteral(value)}`)
  const path = ids(operation).map((id) => JSON.stringify(id))
  const file = operation.body?.kind === 'form' ? ['file=open("square.png", "rb")', 'purpose="vision"'] : []
  const reply = operation.reply.isBytes ? 'print(reply.read())' : 'print(reply.to_json())'
  const shown = ['models.list', 'files.list', 'batches.list', 'responses.input_items.list'].includes(sdk.call)
    ? 'for item in reply:\n    print(item.to_json())'
    : sdk.call === 'responses.delete'
      ? ''
      : reply
  return `import os

from ${sdk.client} import ${name}

client = ${name}(base_url="${base}", api_key=os.environ["LOUPE_API_KEY"])
reply = client.${sdk.call}(${argumentsOf([...path, ...given, ...file], '    ')})
${shown}`.trimEnd()
}

function pythonRequest(operation: Operation): string {
  const { method, key } = operation
  const body = bodyOf(operation)
  const headers = key === 'none' ? [] : [`headers={"authorization": f"Bearer {os.environ['${keyOf(operation)}']}"}`]
  const json = body === undefined ? [] : [`json=${pythonLiteral(body)}`]
  const url = JSON.stringify(`${EXAMPLE_ORIGIN}${pathOf(operation)}`)
  return `${key === 'none' ? '' : 'import os\n\n'}import httpx

reply = httpx.${method}(${argumentsOf([url, ...headers, ...json], '    ')})
print(reply.json())`
}
