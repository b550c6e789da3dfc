import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { AppError } from '@loupe/shared/errors'
import { z } from 'zod'

/** What Pillow made of a file. */
export interface PillowPicture {
  readonly format: string
  /** Of the upright picture. */
  readonly width: number
  readonly height: number
  /** One time a round: decoding, turning upright and resizing. */
  readonly ms: readonly number[]
  /** `[896, 896, 3]` */
  readonly rgb: Uint8Array
}

/** Pillow in a process of its own. */
export interface Pillow extends Disposable {
  readonly version: string
  /** @returns the picture, or why Pillow refuses it */
  resize(path: string, rounds?: number): Promise<PillowPicture | { readonly error: string }>
}

const Version = z.object({ version: z.string() })
const Answer = z.union([
  z.object({ error: z.string() }),
  z.object({
    format: z.string(),
    width: z.number(),
    height: z.number(),
    ms: z.array(z.number()),
    rgb: z.base64().transform((text): Uint8Array => Buffer.from(text, 'base64')),
  }),
])

/**
 * Starts Pillow. It is asked one file at a time.
 *
 * @param python - an interpreter that has Pillow
 * @throws AppError `usage.invalid` if it cannot be started
 */
export async function startPillow(python: string): Promise<Pillow> {
  const script = fileURLToPath(new URL('pillow-resize.py', import.meta.url))
  const child = spawn(python, [script], { stdio: ['pipe', 'pipe', 'inherit'] })
  // What went wrong with it is told by the end of its output.
  child.once('error', () => undefined)
  child.stdin.once('error', () => undefined)
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const read = async (): Promise<unknown> => {
    const line = await lines.next()
    if (line.done === true) throw new AppError('usage.invalid', `--python: "${python}" did not run Pillow to the end.`)
    return JSON.parse(line.value)
  }
  const { version } = Version.parse(await read())
  return {
    version,
    async resize(path, rounds = 1) {
      child.stdin.write(`${JSON.stringify({ path, rounds })}\n`)
      return Answer.parse(await read())
    },
    [Symbol.dispose]: () => {
      child.kill()
    },
  }
}
