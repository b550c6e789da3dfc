import type { Gemma3Config, HeldForm, Memory } from '@loupe/model'
import type { InspectReport } from './inspect-report.ts'
import { binary } from './inspect-table.ts'

/** Rows of a table of what takes memory: the process's own, and pages of files. */
export function memoryRows({ cpu }: InspectReport['memory'], { vision }: Gemma3Config): string[][] {
  const { language, table, cache, base, resting, promptBytes, pictureBytes, peak } = cpu
  const passing = (ownBytes: number) => ({ ownBytes, pageBytes: 0 })
  return [
    ['', 'weights', 'own', 'file pages'],
    ...formRows('language model', language),
    ...formRows('vision tower', cpu.vision),
    row('rows of the embedding table', '', table),
    row('keys and values', '', cache),
    row('Node and ONNX Runtime', '', base),
    row('at rest', '', resting),
    row('while a prompt is read', '', passing(promptBytes)),
    ...(vision === undefined ? [] : [row('while a picture is looked at', '', passing(pictureBytes))]),
    row('at most', '', peak),
  ]
}

function formRows(part: string, forms: readonly HeldForm[]): string[][] {
  return forms.map((form) => row(`${part}: ${form.form}`, String(form.count), form))
}

function row(what: string, weights: string, { ownBytes, pageBytes }: Memory): string[] {
  return [`  ${what}`, weights, binary(ownBytes), binary(pageBytes)]
}
