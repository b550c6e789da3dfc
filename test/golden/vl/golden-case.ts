import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decodeSafetensors, type EncodableTensor, encodeSafetensors, type StoredTensor } from '@loupe/model'

/** The folders beside this file. */
export const CASES = [
  'batch-left-pad',
  'head-dim-scale',
  'image-first-long-text',
  'one-image',
  'real-geometry',
  'text-only',
  'two-images',
] as const

export type CaseName = (typeof CASES)[number]

/** Largest absolute difference from the reference that counts as equal. */
export const TOLERANCE = { default: 2e-4, token_loss: 1e-3 } as const

export interface GoldenCase {
  readonly directory: string
  readonly rows: number
  readonly tokens: number
  readonly inputIds: Int32Array
  readonly attentionMask: Int32Array
  readonly labels: Int32Array
  readonly lossMask: Float32Array
  /** `[n][S·S·3]`, cut into patches */
  readonly patches: readonly Uint8Array[]
  readonly expected: ReadonlyMap<string, Float32Array>
  /** One row each. */
  readonly greedyIds: readonly (readonly number[])[]
}

export function caseDirectory(name: CaseName): string {
  return join(import.meta.dirname, name)
}

export async function readCase(name: CaseName): Promise<GoldenCase> {
  const directory = caseDirectory(name)
  const inputs = await readTensors(join(directory, 'inputs.safetensors'))
  const expected = await readTensors(join(directory, 'expected.safetensors'))
  const facts = JSON.parse(await readFile(join(directory, 'case.json'), 'utf8'))
  const [rows = 0, tokens = 0] = tensor(inputs, 'input_ids').shape
  return {
    directory,
    rows,
    tokens,
    inputIds: new Int32Array(buffer(inputs, 'input_ids')),
    attentionMask: new Int32Array(buffer(inputs, 'attention_mask')),
    labels: new Int32Array(buffer(inputs, 'labels')),
    lossMask: new Float32Array(buffer(inputs, 'loss_mask')),
    patches: cutPictures(tensor(inputs, 'images_u8')),
    expected: new Map([...expected.keys()].map((key) => [key, new Float32Array(buffer(expected, key))])),
    greedyIds: Object.values(facts.greedy_ids),
  }
}

/** A tensor of the reference. */
export function expectedTensor(golden: GoldenCase, name: string): Float32Array {
  const data = golden.expected.get(name)
  if (data === undefined) throw new Error(`there is no ${name}`)
  return data
}

/** The largest absolute difference; NaN counts as infinite, and so does another length. */
export function worstDifference(found: Float32Array, expected: Float32Array): number {
  if (found.length !== expected.length) return Number.POSITIVE_INFINITY
  let worst = 0
  for (let i = 0; i < found.length; i++) {
    const difference = Math.abs((found[i] ?? Number.NaN) - (expected[i] ?? Number.NaN))
    if (!(difference <= worst)) worst = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference
  }
  return worst
}

/** As {@link worstDifference}, of `[b·t·…]` tensors where the attention mask is 1. */
export function worstUnpadded(golden: GoldenCase, found: Float32Array, expected: Float32Array): number {
  if (found.length !== expected.length) return Number.POSITIVE_INFINITY
  const width = expected.length / golden.attentionMask.length
  let worst = 0
  for (const [token, isReal] of golden.attentionMask.entries()) {
    const [from, to] = [token * width, (token + 1) * width]
    if (isReal) worst = Math.max(worst, worstDifference(found.subarray(from, to), expected.subarray(from, to)))
  }
  return worst
}

/** How a checkpoint differs from that of a case. */
export interface Variant {
  readonly config?: (config: Record<string, Record<string, unknown>>) => void
  readonly weights?: (tensors: Map<string, EncodableTensor>) => void
}

/** Writes a changed copy of a case's checkpoint. The caller removes it. */
export async function writeVariant(
  name: CaseName,
  { config, weights }: Variant,
): Promise<AsyncDisposable & { directory: string }> {
  const directory = await mkdtemp(join(tmpdir(), 'loupe-variant-'))
  const source = caseDirectory(name)
  const json = JSON.parse(await readFile(join(source, 'config.json'), 'utf8'))
  config?.(json)
  await writeFile(join(directory, 'config.json'), JSON.stringify(json))
  const tensors: Map<string, EncodableTensor> = new Map(await readTensors(join(source, 'model.safetensors')))
  weights?.(tensors)
  await writeFile(join(directory, 'model.safetensors'), encodeSafetensors(tensors))
  return { directory, [Symbol.asyncDispose]: () => rm(directory, { recursive: true }) }
}

async function readTensors(path: string): Promise<Map<string, StoredTensor>> {
  return decodeSafetensors(await readFile(path), path)
}

function tensor(tensors: ReadonlyMap<string, StoredTensor>, name: string): StoredTensor {
  const found = tensors.get(name)
  if (found === undefined) throw new Error(`there is no ${name}`)
  return found
}

/** The bytes in a buffer of their own: inside the file they are not aligned. */
function buffer(tensors: ReadonlyMap<string, StoredTensor>, name: string): ArrayBuffer {
  return Uint8Array.from(tensor(tensors, name).data).buffer
}

const PATCH = 14

/** From `[n, S, S, 3]` to patches row by row, each `(y·14 + x)·3 + channel`. */
function cutPictures({ shape, data }: StoredTensor): Uint8Array[] {
  const [count = 0, side = 0] = shape
  const perRow = side / PATCH
  return Array.from({ length: count }, (_, n) => {
    const picture = data.subarray(n * side * side * 3, (n + 1) * side * side * 3)
    return Uint8Array.from({ length: picture.length }, (_, index) => {
      const patch = Math.floor(index / (PATCH * PATCH * 3))
      const [y, x] = [Math.floor(index / (PATCH * 3)) % PATCH, Math.floor(index / 3) % PATCH]
      const [row, column] = [Math.floor(patch / perRow) * PATCH + y, (patch % perRow) * PATCH + x]
      return picture[(row * side + column) * 3 + (index % 3)] ?? 0
    })
  })
}
