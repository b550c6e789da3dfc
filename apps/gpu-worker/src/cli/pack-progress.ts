import type { PackProgress } from '@loupe/model/node'
import type { CliIo } from './command.ts'

/** How often a line is written, milliseconds: in place on a terminal, one after another elsewhere. */
const EVERY_MS = { terminal: 100, file: 5000 } as const
const MIB = 2 ** 20
const DOING = { read: 'reading', pack: 'packing' } as const

/**
 * Tells on standard error how far the packing of weights is: one line that is updated on a terminal, plain lines
 * elsewhere.
 *
 * @param now - a clock in milliseconds
 */
export function packProgress(
  stderr: CliIo['stderr'],
  now: () => number = () => performance.now(),
): (progress: PackProgress) => void {
  const isTerminal = stderr.isTTY === true
  const everyMs = isTerminal ? EVERY_MS.terminal : EVERY_MS.file
  let current = ''
  let writtenMs = 0
  return ({ part, step, doneBytes, totalBytes }) => {
    const what = `${DOING[step]} the ${part} weights`
    const isLast = doneBytes >= totalBytes
    if (what === current && !isLast && now() - writtenMs < everyMs) return
    current = what
    writtenMs = now()
    const share = Math.floor((100 * doneBytes) / Math.max(totalBytes, 1))
    const line = `${what}: ${share}% of ${Math.ceil(totalBytes / MIB)} MiB`
    stderr.write(isTerminal ? `\r${line}${isLast ? '\n' : ''}` : `${line}\n`)
  }
}
