import { loadavg } from 'node:os'
import { median } from './timing.ts'

/** One line of the table. */
export interface BenchRow {
  readonly model: string
  readonly measure: string
  /** Medians. */
  readonly ours: number
  /** What `ours` is compared with; `undefined` where there is nothing. */
  readonly other: number | undefined
  /** What `other` is: llama.cpp, the first picture, one sequence. */
  readonly against: string
  readonly unit: string
  /** One for each turn, in which both sides ran. What the table says of them is in `of`. */
  readonly ratios: readonly number[]
  /** What a ratio is: ours over other, or other over ours. Always the one that says the better the larger, unless it says `share`. */
  readonly of: 'times as fast' | 'share'
  /** What is wanted of the ratio. */
  readonly wanted?: string
  /** Of the system, over the last minute. */
  readonly load: number
}

/** What a row says, given its turns. */
type RowParts = Omit<BenchRow, 'ours' | 'other' | 'ratios' | 'load' | 'of'> & Partial<Pick<BenchRow, 'of'>>

/**
 * A row over times of turns: how many times as fast ours is.
 *
 * @param turns - `[other, ours]` milliseconds
 * @param perSecond - what one of those times stands for, tokens; `undefined` for a row in milliseconds
 */
export function fasterRow(
  parts: RowParts,
  turns: readonly (readonly [other: number, ours: number])[],
  perSecond?: number,
): BenchRow {
  const speak = (ms: number) => (perSecond === undefined ? ms : (1000 * perSecond) / ms)
  return {
    of: 'times as fast',
    ...parts,
    ours: speak(median(turns.map(([, ours]) => ours))),
    other: speak(median(turns.map(([other]) => other))),
    ratios: turns.map(([other, ours]) => other / ours),
    load: loadavg()[0] ?? Number.NaN,
  }
}

/** A row that says which share of the other number ours is. */
export function shareRow(parts: RowParts, pairs: readonly (readonly [whole: number, part: number])[]): BenchRow {
  return {
    of: 'share',
    ...parts,
    ours: median(pairs.map(([, part]) => part)),
    other: median(pairs.map(([whole]) => whole)),
    ratios: pairs.map(([whole, part]) => part / whole),
    load: loadavg()[0] ?? Number.NaN,
  }
}

/** A row of one number. */
export function plainRow(parts: Omit<RowParts, 'against'>, ours: number): BenchRow {
  return { of: 'share', ...parts, against: '', ours, other: undefined, ratios: [], load: loadavg()[0] ?? Number.NaN }
}

/** The value below which a share of the numbers lies; NaN of none. */
export function quantile(values: readonly number[], share: number): number {
  const rising = [...values].sort((a, b) => a - b)
  return rising[Math.min(rising.length - 1, Math.floor(share * rising.length))] ?? Number.NaN
}

const HEAD = ['model', 'measure', 'ours', 'other', 'unit', 'against', 'ratio', 'quartiles', 'wanted', 'load']

/** The rows as a Markdown table. */
export function markdownTable(rows: readonly BenchRow[]): string {
  const lines = [HEAD, HEAD.map(() => '---'), ...rows.map(cells)]
  return `${lines.map((line) => `| ${line.join(' | ')} |`).join('\n')}\n`
}

function cells(row: BenchRow): string[] {
  const { ratios, of } = row
  const percent = (ratio: number) => (of === 'share' ? `${(100 * ratio).toFixed(1)} %` : ratio.toFixed(2))
  return [
    row.model,
    row.measure,
    digits(row.ours),
    row.other === undefined ? '' : digits(row.other),
    row.unit,
    row.against,
    ratios.length === 0 ? '' : percent(median(ratios)),
    ratios.length < 2 ? '' : `${percent(quantile(ratios, 0.25))} to ${percent(quantile(ratios, 0.75))}`,
    row.wanted ?? '',
    row.load.toFixed(1),
  ]
}

function digits(value: number): string {
  return value.toFixed(value < 1 ? 4 : value < 10 ? 2 : value < 100 ? 1 : 0)
}
