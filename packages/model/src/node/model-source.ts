import { stat } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { AppError } from '@loupe/shared/errors'
import { bindWeights } from '../gemma3/bind-weights.ts'
import type { Gemma3Config } from '../gemma3/config.ts'
import { readModelConfig } from '../gemma3/config-files.ts'
import type { GenerationConfig } from '../gemma3/generation-config.ts'
import { type GgufSource, openGgufModel } from '../gemma3/gguf-model.ts'
import { openCheckpoint } from '../weights/checkpoint.ts'
import type { GgufDType } from '../weights/gguf-types.ts'
import { type CheckpointFiles, checkpointFiles } from './checkpoint-files.ts'

/** A weight of a checkpoint of any format, and where it lies on disk. */
export interface SourceWeight {
  /** As its file calls it. */
  readonly name: string
  /** As it is stored. */
  readonly dtype: GgufDType
  /** Row-major. */
  readonly shape: readonly number[]
  /** The real path, all links resolved. */
  readonly path: string
  /** In the file. */
  readonly offset: number
  /** As it is stored. */
  readonly bytes: number
  /** The file holds 1 + w. */
  readonly isStoredPlusOne: boolean
}

/** A checkpoint on disk of which only configs and headers have been read. */
export interface ModelSource {
  readonly config: Gemma3Config
  readonly generation: GenerationConfig
  /** By canonical name. */
  readonly weights: ReadonlyMap<string, SourceWeight>
}

/**
 * Opens a checkpoint: a directory in Hugging Face layout, or a GGUF file and perhaps the vision file that belongs to it.
 *
 * @throws AppError `config.invalid`, `weights.invalid` naming every fault
 */
export async function openModelSource(path: string, mmproj?: string): Promise<ModelSource> {
  const found = await stat(path).catch((cause: NodeJS.ErrnoException) => {
    const why = cause.code === 'ENOENT' ? 'found none' : `which cannot be read (${cause.code})`
    throw new AppError('weights.invalid', `Expected a directory or a .gguf file at ${path}, ${why}.`, { cause })
  })
  if (!found.isDirectory()) return openGgufs(path, mmproj)
  if (mmproj === undefined) return openDirectory(path)
  throw new AppError('request.invalid', `mmproj: expected a model in GGUF for it, found the directory ${path}.`)
}

async function openDirectory(path: string): Promise<ModelSource> {
  const files = await checkpointFiles(path)
  const { config, generation } = await readModelConfig(files)
  const bound = bindWeights(await openCheckpoint(files), config)
  const weights = Array.from(bound, ([name, weight]) => [name, { ...weight, files, isStoredPlusOne: false }] as const)
  return { config, generation, weights: await locate(new Map(weights)) }
}

async function openGgufs(path: string, mmproj: string | undefined): Promise<ModelSource> {
  const vision = mmproj === undefined ? undefined : await ggufSource(mmproj)
  const { config, generation, weights } = await openGgufModel(await ggufSource(path), vision)
  return { config, generation, weights: await locate(weights) }
}

async function ggufSource(path: string): Promise<GgufSource<CheckpointFiles>> {
  return { files: await checkpointFiles(dirname(path)), file: basename(path) }
}

type Locatable = Omit<SourceWeight, 'path'> & { readonly file: string; readonly files: CheckpointFiles }

/** Resolves links: hub caches are made of them, and the runtime follows none out of the folder it is given. */
async function locate(weights: ReadonlyMap<string, Locatable>): Promise<Map<string, SourceWeight>> {
  const paths = new Map<CheckpointFiles, Map<string, string>>()
  const located = new Map<string, SourceWeight>()
  for (const [canonical, weight] of weights) {
    const { files, file, name, dtype, shape, offset, bytes, isStoredPlusOne } = weight
    const known = paths.get(files) ?? new Map<string, string>()
    const path = known.get(file) ?? (await files.realPath(file))
    paths.set(files, known.set(file, path))
    located.set(canonical, { name, dtype, shape, path, offset, bytes, isStoredPlusOne })
  }
  return located
}
