import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'

/** How code is run that comes on the standard input. */
const PROGRAMS = {
  curl: ['bash'],
  typescript: [process.execPath, '--input-type=module-typescript', '-'],
} as const

/** Runs what the page gives to copy, in a folder. @returns what it prints */
export async function runCode(code: string, language: keyof typeof PROGRAMS, cwd: string): Promise<string> {
  const [program, ...args] = PROGRAMS[language]
  const child = spawn(program, args, { cwd, stdio: ['pipe', 'pipe', 'ignore'] })
  child.stdin.end(code)
  const [printed] = await Promise.all([text(child.stdout), once(child, 'exit')])
  return printed
}
