import type { Operation } from './operation.ts'
import { bodyOf, EXAMPLE_ORIGIN, keyOf, pathOf } from './sample-request.ts'

/** A call of curl. */
export function shellSample(operation: Operation): string {
  const { method, key, body } = operation
  const json = bodyOf(operation)
  const flags = [
    ...(method === 'delete' ? ['-X DELETE'] : method === 'post' && body === undefined ? ['-X POST'] : []),
    ...(key === 'none' ? [] : [`-H "authorization: Bearer $${keyOf(operation)}"`]),
    ...(json === undefined ? [] : ['-H "content-type: application/json"', `-d '${inShell(json)}'`]),
    ...(body?.kind === 'form' ? formFlags(body.example) : []),
  ]
  return [`curl ${EXAMPLE_ORIGIN}${pathOf(operation)}`, ...flags.map((flag) => `  ${flag}`)].join(' \\\n')
}

function formFlags(fields: Readonly<Record<string, string>>): string[] {
  return [...Object.entries(fields).map(([name, value]) => `-F ${name}=${value}`), '-F file=@square.png']
}

function inShell(body: object): string {
  return JSON.stringify(body, null, 2).replaceAll("'", String.raw`'\''`)
}
