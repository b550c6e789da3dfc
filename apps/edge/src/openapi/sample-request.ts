import type { Operation } from './operation.ts'

/** Where the examples find the server; the page puts its own address here. */
export const EXAMPLE_ORIGIN = 'https://loupe.example'

/** The path with its example ids. */
export function pathOf({ path, pathParameters = {} }: Operation): string {
  return path.replace(/\{(\w+)\}/g, (_, name: string) => pathParameters[name]?.example ?? '')
}

/** The first example of a body of JSON. */
export function bodyOf({ body }: Operation): Readonly<Record<string, unknown>> | undefined {
  return body?.kind === 'json' ? Object.values(body.examples)[0] : undefined
}

/** The name of the variable that the key is in. */
export function keyOf({ key }: Operation): string {
  return key === 'admin' ? 'ADMIN_KEY' : 'LOUPE_API_KEY'
}

/** The parts of the path, as the libraries take them. */
export function ids({ pathParameters = {} }: Operation): string[] {
  return Object.values(pathParameters).map(({ example }) => example)
}
