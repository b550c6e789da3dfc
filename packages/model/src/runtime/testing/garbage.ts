import { setImmediate } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { liveHandles } from '../handle.ts'

setFlagsFromString('--expose-gc')
const collect: () => void = runInNewContext('gc')

/** Collects everything unreachable, and lets finalizers run. */
export async function collectGarbage(): Promise<void> {
  for (let round = 0; round < 3; round++) {
    await setImmediate() // a WeakRef that was read holds its target until the current task ends
    collect()
    await setImmediate()
  }
}

/** The number of live handles once nothing that earlier tests left behind is among them. */
export async function settledHandles(): Promise<number> {
  let before = Number.POSITIVE_INFINITY
  // What was made from an object is freed before the object itself, so one collection may not be the last.
  while (liveHandles() < before) {
    before = liveHandles()
    await collectGarbage()
  }
  return before
}
