/** What came of a file. */
export type Outcome =
  | { readonly kind: 'picture'; readonly digest: string }
  | { readonly kind: 'refused'; readonly code: string }
  /** Something that must not happen. */
  | { readonly kind: 'fault'; readonly detail: string }

/** Something that takes files of strangers. */
export interface FuzzTarget {
  readonly name: 'workerd' | 'node'
  look(bytes: Uint8Array): Promise<Outcome>
  /** Bytes that its process has resident. */
  residentBytes(): number
  close(): Promise<void>
}

/** The codes that may come of a file's bytes. */
const CODES = ['image.empty', 'image.malformed', 'image.unsupported', 'image.too_large', 'request.too_large']

/** A refusal, or a fault if it is none of a file. */
export function refusal(code: string, detail: string): Outcome {
  return CODES.includes(code) ? { kind: 'refused', code } : { kind: 'fault', detail: `${code}: ${detail}` }
}

/** As it stands in a report. */
export function describeOutcome(outcome: Outcome): string {
  if (outcome.kind === 'picture') return `picture ${outcome.digest.slice(0, 12)}`
  return outcome.kind === 'refused' ? outcome.code : `fault: ${outcome.detail}`
}
