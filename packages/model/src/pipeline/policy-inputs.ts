import { AppError } from '@loupe/shared/errors'
import type { TextConfig } from '../gemma3/config.ts'
import type { DTypePolicy } from '../gemma3/dtype-policy.ts'
import { isMasked } from '../gemma3/mask.ts'
import type { DType, TensorData } from '../graph/runtime.ts'
import { rotaryAngles } from '../layers/rope.ts'

/** What `Runtime.wrap` takes. */
export type BoundInput = readonly [DType, readonly number[], TensorData]

/** What a policy needs to know of a step. */
interface StepTokens {
  /** b */
  readonly rows: number
  /** `[b·t]` of the rotary embedding */
  readonly positions: Int32Array
  /** `[b·t]` where in the cache each token goes */
  readonly slots: Int32Array
  /** `[b·s]` image block of every filled slot */
  readonly blocks: Int32Array
}

/**
 * The inputs that a graph has because of its policy; see `languageModelGraph`.
 *
 * @throws AppError `request.unsupported` when an operator that turns heads itself is given a position that it has no
 *   angles for
 */
export function policyInputs(text: TextConfig, policy: DTypePolicy, step: StepTokens): Record<string, BoundInput> {
  const { rows, slots, blocks, positions } = step
  checkPositions(policy, positions, blocks.length / rows)
  const { headSize, ropeLocal, ropeGlobal } = text
  return {
    ...(policy.attention === 'causal' ? { is_masked: flag(isMasked(slots, blocks, rows)) } : {}),
    ...(policy.angles === 'given'
      ? {
          ...angles('rotary_local', positions, { ...ropeLocal, headSize }),
          ...angles('rotary_global', positions, { ...ropeGlobal, headSize }),
        }
      : {}),
  }
}

function flag(isSet: boolean): BoundInput {
  return ['bool', [], Uint8Array.of(Number(isSet))]
}

function angles(
  name: string,
  positions: Int32Array,
  options: Parameters<typeof rotaryAngles>[1],
): Record<string, BoundInput> {
  const { cosines, sines } = rotaryAngles(positions, options)
  const shape = [positions.length, options.headSize / 2]
  return { [`${name}.cosines`]: ['float32', shape, cosines], [`${name}.sines`]: ['float32', shape, sines] }
}

/** An operator that turns heads itself has a row of angles for each slot so far. */
function checkPositions({ fuses }: DTypePolicy, positions: Int32Array, filled: number): void {
  const far = fuses === 'nothing' ? undefined : positions.find((position) => position >= filled)
  if (far === undefined) return
  const expected = `position_ids: expected on this device less than ${filled}, the number of tokens so far`
  throw new AppError('request.unsupported', `${expected}; found ${far}.`)
}
