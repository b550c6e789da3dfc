import { isFloatDType } from '../weights/dtype.ts'
import { GGUF_BLOCK_FORMS } from '../weights/gguf-blocks.ts'
import type { GgufDType } from '../weights/gguf-types.ts'
import type { PackForm } from '../weights/packing.ts'
import type { WeightDType } from '../weights/weight-dtype.ts'
import { isMatrix, TOKEN_EMBEDDING } from './names.ts'

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
 * | int4 | quantised; the embedding table to 8 bits | the same blocks where they have 4 bits, else quantised |
 *
 * The table is the head as well: each of its errors goes into a logit directly.
 *
 * @param name - canonical
 */
export function packForm(name: string, stored: GgufDType, dtype: WeightDType | undefined): PackForm {
  const wide = isFloatDType(stored) ? ({ kind: 'stored' } as const) : ({ kind: 'floats', dtype: 'F32' } as const)
  if (!isMatrix(name)) return wide
  if (dtype === 'int8' || dtype === 'int4')
    return blockForm(stored, dtype === 'int8' || name === TOKEN_EMBEDDING ? 8 : 4)
  if (dtype === undefined) return isFloatDType(stored) ? { kind: 'stored' } : { kind: 'blocks' }
  const narrow = FLOATS[dtype]
  return narrow === undefined || narrow === stored ? wide : { kind: 'floats', dtype: narrow }
}

function blockForm(stored: GgufDType, bits: 4 | 8): PackForm {
  const isSmall = !isFloatDType(stored) && GGUF_BLOCK_FORMS[stored].bits <= bits
  return isSmall ? { kind: 'blocks' } : { kind: 'quantized', bits, blockSize: BLOCK_SIZE }
}
