import type { WorkerVitals } from './worker.ts'

/** What users saw. */
export interface LoadTally {
  answered: number
  cancelled: number
  /** Refused with 429, a code and a time to come back. */
  refused: number
  tokens: number
  /** Answers that differ from what the same question gets alone, and failures that nobody asked for. */
  readonly faults: string[]
  /** From asking to the first token, for each that got one, milliseconds. */
  readonly waitsMs: number[]
}

/** An empty tally. */
export function emptyTally(): LoadTally {
  return { answered: 0, cancelled: 0, refused: 0, tokens: 0, faults: [], waitsMs: [] }
}

/** The value below which a share of the sorted numbers lies. */
function quantile(values: readonly number[], share: number): number {
  const rising = [...values].sort((a, b) => a - b)
  return rising[Math.min(rising.length - 1, Math.floor(share * rising.length))] ?? 0
}

/** Median of the memory in the second and in the last fifth of a run, bytes: the first fifth fills caches. */
export function memoryOverTime(
  vitals: readonly WorkerVitals[],
  bytesOf = ({ rssBytes }: WorkerVitals) => rssBytes,
): { early: number; late: number } {
  const bytes = vitals.map(bytesOf)
  const fifth = Math.ceil(bytes.length / 5)
  return { early: quantile(bytes.slice(fifth, 2 * fifth), 0.5), late: quantile(bytes.slice(-fifth), 0.5) }
}

/** The report in words. */
export function describeLoad(tally: LoadTally, vitals: readonly WorkerVitals[], seconds: number): string {
  const mebibytes = (bytes: number) => `${Math.round(bytes / 2 ** 20)} MiB`
  const growth = ({ early, late }: { early: number; late: number }) =>
    `${mebibytes(early)} early, ${mebibytes(late)} late`
  const heap = memoryOverTime(vitals, ({ heapBytes }) => heapBytes)
  const wait = (share: number) => `${(quantile(tally.waitsMs, share) / 1000).toFixed(2)} s`
  return [
    `answered ${tally.answered}, cancelled ${tally.cancelled}, refused ${tally.refused} (429), faults ${tally.faults.length}`,
    `${(tally.tokens / seconds).toFixed(0)} tokens/s over ${seconds.toFixed(0)} s`,
    `wait for the first token: median ${wait(0.5)}, 95 % ${wait(0.95)}, worst ${wait(1)}`,
    `memory of the worker: ${growth(memoryOverTime(vitals))}; of its JavaScript: ${growth(heap)}`,
    `event loop late by ${Math.max(...vitals.map(({ latenessMs }) => latenessMs)).toFixed(0)} ms at most`,
    ...tally.faults.slice(0, 10),
  ].join('\n')
}
