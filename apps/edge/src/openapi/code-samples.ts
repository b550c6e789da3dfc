import type { Operation } from './operation.ts'
import { pythonSample } from './python-sample.ts'
import { shellSample } from './shell-sample.ts'
import { typescriptSample } from './typescript-sample.ts'

/** Code that makes a request, as Redocly's extension `x-codeSamples` has it. */
export interface CodeSample {
  readonly lang: 'Shell' | 'Python' | 'TypeScript'
  readonly label: string
  readonly source: string
}

/** How an operation is called: by curl, and by the client's library where there is one. */
export function codeSamples(operation: Operation): CodeSample[] {
  return [
    { lang: 'Shell', label: 'curl', source: shellSample(operation) },
    { lang: 'Python', label: 'Python', source: pythonSample(operation) },
    { lang: 'TypeScript', label: 'TypeScript', source: typescriptSample(operation) },
  ]
}
