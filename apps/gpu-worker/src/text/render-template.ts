import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** A Jinja template and what to render it with. */
export interface TemplateJob {
  readonly template: string
  /** Variables, plain JSON; one rendering for each. */
  readonly contexts: readonly Readonly<Record<string, unknown>>[]
}

/** What a template made of one context, or why it made nothing. */
export type Rendering = { readonly text: string } | { readonly error: string }

/** Of a process that does nothing wrong: 0.2 s, most of them its start. */
const MOST_MS = 10_000
const MOST_OUTPUT_BYTES = 4 * 1024 * 1024

/**
 * The template comes with the checkpoint, from a stranger. It may loop for ever or fill the memory, and a thread out of
 * memory takes its process with it; so it runs in a process of its own, which may read files and nothing else.
 */
const FLAGS = ['--permission', '--allow-fs-read=*', '--max-old-space-size=64']

/**
 * Renders a template with each context.
 *
 * @returns renderings in the order of the contexts, or `undefined` if the template took too long or too much memory
 */
export function renderTemplate(job: TemplateJob, signal: AbortSignal): Promise<readonly Rendering[] | undefined> {
  const entry = fileURLToPath(new URL('render-process.ts', import.meta.url))
  const limits = { timeout: MOST_MS, killSignal: 'SIGKILL', maxBuffer: MOST_OUTPUT_BYTES, env: {}, signal } as const
  return new Promise((resolve, reject) => {
    const child = execFile(process.execPath, [...FLAGS, entry], limits, (error, stdout) => {
      if (signal.aborted) reject(signal.reason)
      else if (error === null) resolve(JSON.parse(stdout))
      else if (error.killed === true || error.signal != null) resolve(undefined)
      else reject(error)
    })
    child.stdin?.on('error', () => {}) // it may end before it has read all; its exit says why
    child.stdin?.end(JSON.stringify(job))
  })
}
