import type { BenchRow } from './bench-row.ts'

/** What can be measured. `--only` takes these names. */
export const BENCH_PARTS = ['prefill', 'decode', 'batch', 'vision', 'cache', 'http'] as const
export type BenchPart = (typeof BENCH_PARTS)[number]

/** How a bench runs. */
export interface BenchSettings {
  readonly parts: ReadonlySet<BenchPart>
  readonly threads: number
  /** Most turns of one measure. */
  readonly rounds: number
  /** Seconds that one side of one measure may take; what would take longer is left out, and said to be. */
  readonly patienceS: number
  /** Where models are written, and weights packed. */
  readonly folder: string
  /** Whether llama.cpp's own bench takes part. */
  readonly isStrict: boolean
  readonly signal: AbortSignal
  /** Says what is going on. */
  readonly tell: (message: string) => void
}

/** A part of the bench: rows as they are found. */
export type BenchRows = AsyncGenerator<BenchRow, void, void>

/** A GGUF that both sides read. */
export interface BenchModel {
  readonly size: string
  readonly path: string
  readonly bytes: number
}
