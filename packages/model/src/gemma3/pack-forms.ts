import { isFloatDType } from '../weights/dtype.ts'
import { GGUF_BLOCK_FORMS } from '../weights/gguf-blocks.ts'
import type { GgufDType } from '../weights/gguf-types.ts'
import type { PackForm } from '../weights/packing.ts'
import type { WeightDType } from '../weights/weight-dtype.ts'
import { isMatrix, TOKEN_EMBEDDING, VISION_PREFIX } from './names.ts'

/** The smallest block that every kernel has. */
const BLOCK_SIZE = 32

const FLOATS = { f32: undefined, bf16: 'BF16', f16: 'F16' } as const

/**
 * What to make of a weight so that a part of the model is of a type. Linear maps and the embedding table are; norms,
 * biases, position table, patch kernel and projector are few numbers that matter, and stay as they are.
 *
 * | asked for | stored as floats | stored in GGUF blocks |
 * | --- | --- | --- |
 * | nothing | as stored | the same blocks |
 * | f32 | as stored: the graph widens 16 bits | float32 |
 * | bf16, f16 | rounded, if they are of another type | rounded |
 * | int8 | quantised | the same blocks: none has more than 8 bits |
 * | int8, vision on a CPU | columns | columns, save blocks of 4 bits: those are the same |
 * | int4 | quantised; the embedding table to 8 bits | the same blocks where they have 4 bits, else quantised |
 *
 * The table is the head as well: each of its errors goes into a logit directly. A picture is 4,096 rows for each map of
 * the tower, where columns are twice as fast as blocks, see docs/performance.md; for the language model, blocks are.
 *
 * @param name - canonical
 * @param dtype - what is asked for
 * @param hasColumns - whether what computes the part multiplies by columns, see `multipliesColumns`
 */
export function packForm(
  name: string,
  stored: GgufDType,
  dtype: WeightDType | undefined,
  hasColumns = false,
): PackForm {
  const wide = isFloatDType(stored) ? ({ kind: 'stored' } as const) : ({ kind: 'floats', dtype: 'F32' } as const)
  if (!isMatrix(name)) return wide
  if (dtype === 'int8' && hasColumns && name.startsWith(VISION_PREFIX)) return columnForm(stored)
  if (dtype === 'int8' || dtype === 'int4')
    return blockForm(stored, dtype === 'int8' || name === TOKEN_EMBEDDING ? 8 : 4)
  if (dtype === undefined) return isFloatDType(stored) ? { kind: 'stored' } : { kind: 'blocks' }
  const narrow = FLOATS[dtype]
  return narrow === undefined || narrow === stored ? wide : { kind: 'floats', dtype: narrow }
}

function columnForm(stored: GgufDType): PackForm {
  return isWithin(stored, 4) ? { kind: 'blocks' } : { kind: 'columns' }
}

function blockForm(stored: GgufDType, bits: 4 | 8): PackForm {
  return isWithin(stored, bits) ? { kind: 'blocks' } : { kind: 'quantized', bits, blockSize: BLOCK_SIZE }
}

/** Whether a weight is stored in blocks of so many bits, or fewer. */
function isWithin(stored: GgufDType, bits: 4 | 8): boolean {
  return !isFloatDType(stored) && GGUF_BLOCK_FORMS[stored].bits <= bits
}
