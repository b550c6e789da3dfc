import { AppError } from '@loupe/shared/errors'
import { packForm } from '../gemma3/pack-forms.ts'
import type { StoredWeight } from '../gemma3/parameters.ts'
import type { FileTensor } from '../graph/graph.ts'
import type { WeightsPart } from '../pipeline/model-parts.ts'
import { packedBlocks } from '../weights/packing.ts'
import type { TensorEntry } from '../weights/safetensors.ts'
import type { WeightDType } from '../weights/weight-dtype.ts'
import type { ModelPart } from './load-options.ts'
import type { SourceWeight } from './model-source.ts'
import { type PlannedWeight, planPacking } from './pack-plan.ts'
import { fileTensor, storedPart, tensorSource } from './stored-part.ts'
import { openPacked, PACKED_FILE, type WeightCacheOptions } from './weight-cache.ts'

/** Options of {@link openPart}. */
export interface PartOptions extends WeightCacheOptions {
  /** As stored by default. */
  readonly dtype?: WeightDType | undefined
  /** Whether the device that computes the part multiplies by columns; false by default. */
  readonly hasColumns?: boolean | undefined
}

/**
 * The weights of a part in the type that is asked for: in the checkpoint itself if that will do, else packed, once, in the
 * weight cache.
 *
 * @param weights - of the part, by canonical name
 * @throws AppError as `openPacked`; `weights.invalid` if the files lie in several folders
 */
export async function openPart(
  part: ModelPart,
  weights: ReadonlyMap<string, SourceWeight>,
  { dtype, hasColumns, ...cache }: PartOptions,
): Promise<WeightsPart> {
  const planned = new Map(
    Array.from(weights, ([name, source]) => [name, { source, form: packForm(name, source.dtype, dtype, hasColumns) }]),
  )
  // Who asks for 16 bits wants them in memory too; what happens to be stored so is widened, which is faster.
  const keepStoredTypes = dtype === 'bf16' || dtype === 'f16'
  if ([...planned.values()].every(({ form }) => form.kind === 'stored'))
    return { ...storedPart(weights), keepStoredTypes }
  const plan = planPacking(part, planned)
  const weightsFolder = await openPacked(plan, cache)
  return { weightsFolder, tensors: tensorSource(plan.weights, packedWeight), keepStoredTypes }
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
