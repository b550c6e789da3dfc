import { createHash } from 'node:crypto'
import { copyFile, type FileHandle, open, readFile, rename, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ELEMENT_BYTES, expectedTensors, parseGemma3Config } from '@loupe/model'
import { makeDirectory } from '@loupe/model/node'
import { AppError } from '@loupe/shared/errors'
import { PUBLISHED_CONFIGS, PUBLISHED_GENERATION } from './published-sizes.ts'
import { fillRandom, keyOf, type RandomTensor, spreadOf } from './random-weights.ts'

/** What to write. */
export interface RandomCheckpoint {
  /** A key of {@link PUBLISHED_CONFIGS}, or the name of `config`. */
  readonly size: string
  /** A `config.json` that nobody published. */
  readonly config?: object
  readonly directory: string
  readonly seed: number
  readonly dtype: 'BF16' | 'F32'
  /** Most data bytes of one file; a larger tensor has a file of its own. */
  readonly shardBytes: number
  /** A `tokenizer.json` to copy. */
  readonly tokenizer?: string
}

/** Watches a checkpoint being written. */
export interface WriteObserver {
  readonly onProgress: (doneBytes: number, totalBytes: number) => void
  readonly signal: AbortSignal
}

interface Tensor extends RandomTensor {
  readonly name: string
  readonly shape: readonly number[]
}

const PIECE_ELEMENTS = 8 * 1024 * 1024
const MANIFEST = 'random-checkpoint.json'

/**
 * Writes a checkpoint of a published size in Hugging Face layout with distinct random weights. What is there already is
 * kept: whole files, and the first part of one whose writing was interrupted.
 *
 * @throws AppError `usage.invalid` if the directory holds another checkpoint; `request.cancelled`
 */
export async function writeRandomCheckpoint(checkpoint: RandomCheckpoint, observer: WriteObserver): Promise<void> {
  const json = checkpoint.config ?? PUBLISHED_CONFIGS[checkpoint.size]
  if (json === undefined) throw new AppError('usage.invalid', `There is no size ${checkpoint.size}.`)
  await makeDirectory(checkpoint.directory)
  await claim(checkpoint)
  const config = { ...json, torch_dtype: checkpoint.dtype === 'BF16' ? 'bfloat16' : 'float32' }
  const inDirectory = (name: string) => join(checkpoint.directory, name)
  await writeFile(inDirectory('config.json'), `${JSON.stringify(config, null, 2)}\n`)
  await writeFile(inDirectory('generation_config.json'), `${JSON.stringify(PUBLISHED_GENERATION, null, 2)}\n`)
  if (checkpoint.tokenizer !== undefined) await copyFile(checkpoint.tokenizer, inDirectory('tokenizer.json'))

  const shards = splitShards(tensorsOf(checkpoint, json), checkpoint.shardBytes)
  const files = shards.map((_, index) => shardName(index, shards.length))
  const total = shards.flat().reduce((sum, tensor) => sum + bytesOf(tensor), 0)
  if (shards.length > 1) await writeIndex(inDirectory('model.safetensors.index.json'), shards, files, total)
  let before = 0
  for (const [index, tensors] of shards.entries()) {
    const path = inDirectory(files[index] ?? '')
    const base = before
    const onBytes = (done: number) => observer.onProgress(base + done, total)
    await writeShard(path, tensors, { onBytes, signal: observer.signal })
    before += tensors.reduce((sum, tensor) => sum + bytesOf(tensor), 0)
  }
}

/** Marks the directory as ours, so that another seed or type is never mixed in. */
async function claim({ directory, size, seed, dtype, shardBytes }: RandomCheckpoint): Promise<void> {
  const path = join(directory, MANIFEST)
  const wanted = JSON.stringify({ version: 1, size, seed, dtype, shardBytes })
  const found = await readFile(path, 'utf8').catch(() => undefined)
  if (found === wanted) return
  if (found !== undefined) {
    throw new AppError('usage.invalid', `${directory}: expected ${wanted} or an empty directory, found ${found}.`)
  }
  await writeFile(path, wanted)
}

function tensorsOf({ seed, dtype }: RandomCheckpoint, json: object): Tensor[] {
  return [...expectedTensors(parseGemma3Config(json))].map(([canonical, shape]) => ({
    name: releasedName(canonical, 'text_config' in json),
    shape,
    dtype,
    elements: shape.reduce((product, size) => product * size, 1),
    spread: spreadOf(canonical, shape),
    key: keyOf(seed, canonical),
  }))
}

/** The spelling of the released files. */
function releasedName(canonical: string, hasVision: boolean): string {
  const vision = canonical.replace(/^vision_tower\./, 'vision_tower.vision_model.')
  return vision.replace(/^language_model\./, hasVision ? 'language_model.model.' : 'model.')
}

function splitShards(tensors: readonly Tensor[], shardBytes: number): Tensor[][] {
  const shards: Tensor[][] = []
  let room = 0
  for (const tensor of tensors) {
    const bytes = bytesOf(tensor)
    const last = shards.at(-1)
    if (last === undefined || bytes > room) shards.push([tensor])
    else last.push(tensor)
    room = (last === undefined || bytes > room ? shardBytes : room) - bytes
  }
  return shards
}

function shardName(index: number, count: number): string {
  const digits = (value: number) => String(value).padStart(5, '0')
  return count === 1 ? 'model.safetensors' : `model-${digits(index + 1)}-of-${digits(count)}.safetensors`
}

async function writeIndex(path: string, shards: Tensor[][], files: string[], totalBytes: number): Promise<void> {
  const entries = shards.flatMap((tensors, index) => tensors.map(({ name }) => [name, files[index]]))
  const index = { metadata: { total_size: totalBytes }, weight_map: Object.fromEntries(entries) }
  await writeFile(path, JSON.stringify(index))
}

interface ShardObserver {
  /** @param doneBytes - data of this file that is written */
  readonly onBytes: (doneBytes: number) => void
  readonly signal: AbortSignal
}

/** Writes one file under another name first. A partial one is continued behind its last whole piece. */
async function writeShard(path: string, tensors: readonly Tensor[], observer: ShardObserver): Promise<void> {
  const header = headerOf(tensors)
  const dataBytes = tensors.reduce((sum, tensor) => sum + bytesOf(tensor), 0)
  if ((await sizeOf(path)) === header.byteLength + dataBytes) return observer.onBytes(dataBytes)
  const partial = `${path}.${createHash('sha256').update(header).digest('hex').slice(0, 8)}.partial`
  const have = await sizeOf(partial)
  const file = await open(partial, have === 0 ? 'w' : 'r+')
  try {
    await file.write(header, 0, header.byteLength, 0)
    let position = header.byteLength
    for (const tensor of tensors) {
      await writeTensor(file, tensor, { position, have, observer, start: header.byteLength })
      position += bytesOf(tensor)
    }
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(partial, path)
}

interface Place {
  readonly position: number
  /** Bytes of the file that an earlier run wrote. */
  readonly have: number
  /** Where the data of the file begins. */
  readonly start: number
  readonly observer: ShardObserver
}

async function writeTensor(file: FileHandle, tensor: Tensor, { position, have, start, observer }: Place) {
  const width = ELEMENT_BYTES[tensor.dtype]
  for (let from = 0; from < tensor.elements; from += PIECE_ELEMENTS) {
    observer.signal.throwIfAborted()
    const count = Math.min(PIECE_ELEMENTS, tensor.elements - from)
    const end = position + (from + count) * width
    if (end > have) {
      const piece = tensor.dtype === 'F32' ? new Float32Array(count) : new Uint16Array(count)
      fillRandom(piece, tensor, from)
      await file.write(piece, 0, piece.byteLength, position + from * width)
    }
    observer.onBytes(end - start)
  }
}

function headerOf(tensors: readonly Tensor[]): Uint8Array {
  const entries: Record<string, unknown> = { __metadata__: { format: 'pt' } }
  let end = 0
  for (const tensor of tensors) {
    const begin = end
    end += bytesOf(tensor)
    entries[tensor.name] = { dtype: tensor.dtype, shape: tensor.shape, data_offsets: [begin, end] }
  }
  const json = Buffer.from(JSON.stringify(entries))
  const bytes = Buffer.alloc(8 + Math.ceil(json.byteLength / 8) * 8, ' ')
  bytes.writeBigUInt64LE(BigInt(bytes.byteLength - 8))
  json.copy(bytes, 8)
  return bytes
}

function bytesOf({ dtype, elements }: Tensor): number {
  return elements * ELEMENT_BYTES[dtype]
}

async function sizeOf(path: string): Promise<number> {
  const found = await stat(path).catch(() => undefined)
  return found?.size ?? 0
}
