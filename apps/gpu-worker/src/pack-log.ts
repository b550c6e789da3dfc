import type { PackProgress } from '@loupe/model/node'
import type { Log } from './log.ts'

const EVERY_MS = 2000

/**
 * Logs how far the packing of weights is: the first and the last step of each part, and one every two seconds between.
 *
 * @param now - a clock in milliseconds
 */
export function packLog(log: Log, now: () => number = () => performance.now()): (progress: PackProgress) => void {
  let current = ''
  let startedMs = 0
  let loggedMs = 0
  return ({ part, step, doneBytes, totalBytes }) => {
    const isFirst = current !== `${step} ${part}`
    if (isFirst) startedMs = now()
    if (!isFirst && doneBytes < totalBytes && now() - loggedMs < EVERY_MS) return
    current = `${step} ${part}`
    loggedMs = now()
    const seconds = Math.round((loggedMs - startedMs) / 100) / 10
    log('info', `weights.${step}`, { part, done_bytes: doneBytes, total_bytes: totalBytes, seconds })
  }
}
