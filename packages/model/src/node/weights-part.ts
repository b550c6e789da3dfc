import { AppError } from '@loupe/shared/errors'
import { packForm } from '../gemma3/pack-forms.ts'
import type { StoredWeight, TensorSource } from '../gemma3/parameters.ts'
import type { FileTensor } from '../graph/graph.ts'
import type { WeightsPart } from '../pipeline/model-parts.ts'
import { packedBlocks } from '../weights/packing.ts'
import type { TensorEntry } from '../weights/safetensors.ts'
import type { WeightDType } from '../weights/weight-dtype.ts'
import type { ModelPart } from './load-options.ts'
import type { SourceWeight } from './model-source.ts'
import { type PackPlan, type PlannedWeight, planPacking } from './pack-plan.ts'
import { fileTensor, storedPart, tensorSource } from './stored-part.ts'
import { openPacked, PACKED_FILE, type WeightCacheOptions } from './weight-cache.ts'

/** Options of {@link planPart}. */
export interface PartOptions {
  /** As stored by default. */
  readonly dtype?: WeightDType | undefined
  /** Whether the device that computes the part multiplies by columns; false by default. */
  readonly hasColumns?: boolean | undefined
}

/** What becomes of a part of a checkpoint. Nothing of it has been read but headers, and nothing written. */
export interface PartPlan {
  /** By canonical name. */
  readonly sources: ReadonlyMap<string, SourceWeight>
  /** See `WeightsPart`. */
  readonly keepStoredTypes: boolean
  /** How the weights are rewritten; absent where the checkpoint itself will do. */
  readonly packing: PackPlan | undefined
}

/**
 * Decides how a part is read in the type that is asked for: from the checkpoint itself if that will do, else packed.
 *
 * @param sources - of the part, by canonical name
 */
export function planPart(
  part: ModelPart,
  sources: ReadonlyMap<string, SourceWeight>,
  { dtype, hasColumns }: PartOptions,
): PartPlan {
  const weights = new Map(
    Array.from(sources, ([name, source]) => [name, { source, form: packForm(name, source.dtype, dtype, hasColumns) }]),
  )
  const isStored = [...weights.values()].every(({ form }) => form.kind === 'stored')
  // Who asks for 16 bits wants them in memory too; what happens to be stored so is widened, which is faster.
  const keepStoredTypes = dtype === 'bf16' || dtype === 'f16'
  return { sources, keepStoredTypes, packing: isStored ? undefined : planPacking(part, weights) }
}

/** The weights as a graph will read them, by canonical name. @throws AppError `weights.invalid` as {@link openPart} */
export function plannedWeights({ sources, packing }: PartPlan): ReadonlyMap<string, StoredWeight> {
  const tensors = packing === undefined ? storedPart(sources).tensors : packedTensors(packing)
  return new Map(Array.from(sources.keys(), (name) => [name, tensors(name)]))
}

/**
 * The weights of a part, as planned: what is to be packed is, once, in the weight cache.
 *
 * @throws AppError as `openPacked`; `weights.invalid` if the files lie on several drives
 */
export async function openPart(
  { sources, keepStoredTypes, packing }: PartPlan,
  cache: WeightCacheOptions,
): Promise<WeightsPart> {
  if (packing === undefined) return { ...storedPart(sources), keepStoredTypes }
  const weightsFolder = await openPacked(packing, cache)
  return { weightsFolder, tensors: packedTensors(packing), keepStoredTypes }
}

function packedTensors({ weights }: PackPlan): TensorSource {
  return tensorSource(weights, packedWeight)
}

function packedWeight({ source, form, tensors }: PlannedWeight): StoredWeight {
  const [first, scales, offsets] = tensors.map(packedTensor)
  if (first === undefined) throw new AppError('weights.invalid', `${source.name}: expected numbers, found none.`)
  const [outer = 0, inner = 0] = source.shape
  if (form.kind === 'columns' && scales !== undefined)
    return { columns: { shape: [outer, inner], quants: first, scales } }
  const blocks = packedBlocks(source, form)
  if (blocks === undefined || scales === undefined) return { ...first, isStoredPlusOne: source.isStoredPlusOne }
  const { bits, blockSize } = blocks
  const minima = offsets === undefined ? {} : { offsets }
  return { blocks: { shape: [outer, inner], bits, blockSize, quants: first, scales, ...minima } }
}

function packedTensor({ dtype, shape, offset, bytes }: TensorEntry): FileTensor {
  return fileTensor({ dtype, shape, file: PACKED_FILE, offset, bytes })
}
