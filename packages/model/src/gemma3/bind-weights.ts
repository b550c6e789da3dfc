import { AppError } from '@loupe/shared/errors'
import type { Checkpoint, TensorLocation } from '../weights/checkpoint.ts'
import { type FloatDType, isFloatDType } from '../weights/dtype.ts'
import { listed } from '../weights/fault-list.ts'
import type { Gemma3Config } from './config.ts'
import { canonicalName, expectedTensors, isIgnored } from './names.ts'

/** A weight of the model: a float tensor of the shape that the config asks for. */
export type BoundWeight = TensorLocation & { readonly dtype: FloatDType }

/** Every weight of the model by its canonical name. */
export type BoundWeights = ReadonlyMap<string, BoundWeight>

/**
 * Finds each weight that the config asks for in a checkpoint of any prefix dialect. Strict both ways: a tensor that
 * nothing reads is a fault too, save a tied head and SigLIP's pooling head.
 *
 * @throws AppError `weights.invalid`, once, naming every tensor that is missing, unexpected, stored under two names, of
 *   another shape, or not of a float type
 */
export function bindWeights(checkpoint: Checkpoint, config: Gemma3Config): BoundWeights {
  const expected = expectedTensors(config)
  const bound = new Map<string, BoundWeight>()
  const unexpected: string[] = []
  const unfit: string[] = []
  const twice: string[] = []
  for (const tensor of checkpoint.tensors.values()) {
    const name = canonicalName(tensor.name)
    const shape = expected.get(name)
    if (shape === undefined) unexpected.push(...(isIgnored(name) ? [] : [tensor.name]))
    else if (bound.has(name)) twice.push(tensor.name)
    else {
      unfit.push(...misfit(tensor, shape))
      // Bound even when it does not fit, so that it is not reported as missing as well.
      bound.set(name, tensor as BoundWeight)
    }
  }
  const faults = [
    ...listed('missing', notIn(bound, expected.keys())),
    ...listed('unexpected', unexpected),
    ...listed('of another shape or type', unfit),
    ...listed('under a second name', twice),
  ]
  if (faults.length === 0) return bound
  throw new AppError('weights.invalid', `The tensors of the checkpoint do not fit its config: ${faults.join('; ')}.`)
}

function notIn(bound: BoundWeights, names: Iterable<string>): string[] {
  return [...names].filter((name) => !bound.has(name))
}

/** What is wrong with a tensor, if anything. */
function misfit({ name, dtype, shape }: TensorLocation, expected: readonly number[]): string[] {
  const isFit = isFloatDType(dtype) && shape.join() === expected.join()
  return isFit ? [] : [`${name} (expected F32, F16 or BF16 [${expected}], found ${dtype} [${shape}])`]
}
