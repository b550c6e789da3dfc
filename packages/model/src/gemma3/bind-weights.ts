import { AppError } from '@loupe/shared/errors'
import type { Checkpoint, TensorLocation } from '../weights/checkpoint.ts'
import { type FloatDType, isFloatDType } from '../weights/dtype.ts'
import { listed } from '../weights/fault-list.ts'
import type { Gemma3Config } from './config.ts'
import { canonicalName, expectedTensors, isIgnored } from './names.ts'

/** A weight of the model: a float tensor of the shape that the config asks for. */
export type BoundWeight = TensorLocation & {
  /** How its numbers are stored. */
  readonly dtype: FloatDType
}

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
  const named = [...checkpoint.tensors.values()].map((tensor) => [canonicalName(tensor.name), tensor] as const)
  const isFloat = ({ dtype }: TensorLocation) => isFloatDType(dtype)
  // Every one of them has just been found to be of a float type.
  return bindTensors(named, config, { types: 'F32, F16 or BF16', isFit: isFloat }) as BoundWeights
}

/** What a tensor of any format has. */
interface NamedTensor {
  readonly name: string
  readonly dtype: string
  readonly shape: readonly number[]
}

/** Which element types will do. */
interface FitRule<T> {
  /** For error messages. */
  readonly types: string
  readonly isFit: (tensor: T) => boolean
}

/**
 * Finds each weight that the config asks for among tensors with their canonical names, as {@link bindWeights}.
 *
 * @throws AppError `weights.invalid`, once, naming every fault
 */
export function bindTensors<T extends NamedTensor>(
  named: Iterable<readonly [canonical: string, tensor: T]>,
  config: Gemma3Config,
  rule: FitRule<T>,
): Map<string, T> {
  const expected = expectedTensors(config)
  const bound = new Map<string, T>()
  const unexpected: string[] = []
  const unfit: string[] = []
  const twice: string[] = []
  for (const [name, tensor] of named) {
    const shape = expected.get(name)
    if (shape === undefined) unexpected.push(...(isIgnored(name) ? [] : [tensor.name]))
    else if (bound.has(name)) twice.push(tensor.name)
    else {
      unfit.push(...misfit(tensor, shape, rule))
      // Bound even when it does not fit, so that it is not reported as missing as well.
      bound.set(name, tensor)
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

function notIn(bound: ReadonlyMap<string, unknown>, names: Iterable<string>): string[] {
  return [...names].filter((name) => !bound.has(name))
}

/** What is wrong with a tensor, if anything. */
function misfit<T extends NamedTensor>(tensor: T, expected: readonly number[], { types, isFit }: FitRule<T>): string[] {
  const { name, dtype, shape } = tensor
  if (isFit(tensor) && shape.join() === expected.join()) return []
  return [`${name} (expected ${types} [${expected}], found ${dtype} [${shape}])`]
}
