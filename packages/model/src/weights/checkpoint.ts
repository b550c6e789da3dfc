import { AppError } from '@loupe/shared/errors'
import { listed } from './fault-list.ts'
import { isRecord, parseStrictJson } from './header-json.ts'
import { headerLength, PREFIX_BYTES, parseSafetensorsHeader, type TensorEntry } from './safetensors.ts'

/** Where a tensor lies on disk. Nothing of it has been read. */
export interface TensorLocation extends TensorEntry {
  /** Name of the file inside the checkpoint's directory. */
  readonly file: string
}

/** Every tensor of a checkpoint, over one file or many. */
export interface Checkpoint {
  /** By the name in the file. */
  readonly tensors: ReadonlyMap<string, TensorLocation>
}

/** Reads the files of one directory. Names are plain file names; anything with a separator in it is refused. */
export interface FileReader {
  /** @returns the file's length in bytes, or `undefined` if there is no such file */
  size(name: string): Promise<number | undefined>
  /** @returns exactly `length` bytes from `offset` on */
  read(name: string, offset: number, length: number): Promise<Uint8Array>
}

const SINGLE_FILE = 'model.safetensors'
const INDEX_FILE = 'model.safetensors.index.json'
const MAX_INDEX_BYTES = 16 * 1024 * 1024
/** The largest Gemma 3 has 12. */
const MOST_SHARDS = 1024
const SHARD_NAME = /^[\w.-]+\.safetensors$/

/**
 * Lists the tensors of a checkpoint in Hugging Face layout: `model.safetensors`, or the shards that
 * `model.safetensors.index.json` names, 1024 at most. Reads headers only, one file at a time.
 *
 * @throws AppError `weights.invalid` if there is neither, a header is broken, or index and shards do not agree
 */
export async function openCheckpoint(files: FileReader): Promise<Checkpoint> {
  if ((await files.size(SINGLE_FILE)) !== undefined) {
    return { tensors: byName(await readHeader(files, SINGLE_FILE)) }
  }
  const indexBytes = await files.size(INDEX_FILE)
  if (indexBytes === undefined) {
    throw new AppError('weights.invalid', `Expected ${SINGLE_FILE} or ${INDEX_FILE}, found neither.`)
  }
  if (indexBytes > MAX_INDEX_BYTES) {
    const limit = `expected at most ${MAX_INDEX_BYTES} bytes, found ${indexBytes}`
    throw new AppError('weights.invalid', `${INDEX_FILE}: ${limit}.`)
  }
  return openShards(files, parseIndex(await files.read(INDEX_FILE, 0, indexBytes)))
}

async function openShards(files: FileReader, fileOf: ReadonlyMap<string, string>): Promise<Checkpoint> {
  const shards = [...new Set(fileOf.values())].sort()
  if (shards.length > MOST_SHARDS) {
    throw new AppError(
      'weights.invalid',
      `${INDEX_FILE}: expected at most ${MOST_SHARDS} shards, found ${shards.length}.`,
    )
  }
  const found: TensorLocation[] = []
  // One after another: a system lets a process have so many files open, and no more.
  for (const shard of shards) found.push(...(await readHeader(files, shard)))
  const unlisted = found.filter(({ name, file }) => fileOf.get(name) !== file)
  const tensors = byName(found.filter(({ name, file }) => fileOf.get(name) === file))
  const absent = [...fileOf].filter(([name]) => !tensors.has(name))
  const faults = [
    ...listed(
      'not in the shard that the index names',
      absent.map(([name, file]) => `${name} in ${file}`),
    ),
    ...listed(
      'in a shard but not in the index',
      unlisted.map(({ name, file }) => `${name} in ${file}`),
    ),
  ]
  if (faults.length > 0) throw new AppError('weights.invalid', `${INDEX_FILE}: ${faults.join('; ')}.`)
  return { tensors }
}

function byName(locations: readonly TensorLocation[]): Map<string, TensorLocation> {
  return new Map(locations.map((location) => [location.name, location]))
}

async function readHeader(files: FileReader, file: string): Promise<TensorLocation[]> {
  const fileBytes = await files.size(file)
  if (fileBytes === undefined) {
    throw new AppError('weights.invalid', `${INDEX_FILE}: expected the shard ${file}, found no such file.`)
  }
  const prefix = await files.read(file, 0, Math.min(PREFIX_BYTES, fileBytes))
  const header = await files.read(file, PREFIX_BYTES, headerLength(prefix, fileBytes, file))
  return parseSafetensorsHeader(header, fileBytes, file).map((entry) => ({ ...entry, file }))
}

/** @returns the shard of each tensor */
function parseIndex(bytes: Uint8Array): Map<string, string> {
  const { weight_map: weightMap } = parseStrictJson(bytes, INDEX_FILE)
  if (!isRecord(weightMap)) throw new AppError('weights.invalid', `${INDEX_FILE}: expected a weight_map.`)
  const fileOf = new Map<string, string>()
  for (const [name, file] of Object.entries(weightMap)) {
    if (typeof file !== 'string' || !SHARD_NAME.test(file)) {
      const found = JSON.stringify(file)
      throw new AppError(
        'weights.invalid',
        `${INDEX_FILE}: ${name}: expected a plain .safetensors name, found ${found}.`,
      )
    }
    fileOf.set(name, file)
  }
  return fileOf
}
