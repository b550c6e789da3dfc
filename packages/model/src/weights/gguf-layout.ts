import { AppError } from '@loupe/shared/errors'
import { listed } from './fault-list.ts'
import type { GgufTensor } from './gguf-types.ts'

interface DataRegion {
  readonly file: string
  readonly fileBytes: number
  /** First byte of the data, counted from the start of the file. */
  readonly dataStart: number
  readonly alignment: number
}

/**
 * Places tensors in their file. Each must start where the one before it ends, padded; only then can no two readers see
 * two different checkpoints.
 *
 * @param tensors - with offsets counted from the start of the data
 * @returns them by name, with offsets counted from the start of the file
 * @throws AppError `weights.invalid`, once, naming every tensor that is there twice, out of place or out of the file
 */
export function checkLayout(tensors: readonly GgufTensor[], region: DataRegion): Map<string, GgufTensor> {
  const { file, fileBytes, dataStart, alignment } = region
  const placed = new Map<string, GgufTensor>()
  const twice: string[] = []
  const misplaced: string[] = []
  const outside: string[] = []
  let end = dataStart
  for (const tensor of [...tensors].sort((a, b) => a.offset - b.offset || a.bytes - b.bytes)) {
    const { name, bytes } = tensor
    const offset = dataStart + tensor.offset
    const expected = Math.ceil(end / alignment) * alignment
    if (placed.has(name)) twice.push(name)
    if (offset !== expected) misplaced.push(`${name} (expected offset ${expected}, found ${offset})`)
    if (offset + bytes > fileBytes) outside.push(`${name} (expected to end by ${fileBytes}, found ${offset + bytes})`)
    placed.set(name, { ...tensor, offset })
    end = offset + bytes
  }
  const faults = [
    ...listed('there twice', twice),
    ...listed('after a gap or in an overlap', misplaced),
    ...listed('outside of the file', outside),
  ]
  const rest = fileBytes - Math.max(end, dataStart)
  if (faults.length === 0 && rest >= alignment) faults.push(`expected ${end} bytes, found ${fileBytes}`)
  if (faults.length > 0) throw new AppError('weights.invalid', `${file}: ${faults.join('; ')}.`)
  return placed
}
