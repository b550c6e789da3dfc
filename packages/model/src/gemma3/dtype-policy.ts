import type { BlockActivations } from '../graph/block-matrix.ts'
import type { Device, DType } from '../graph/runtime.ts'
import type { StoredWeight } from './parameters.ts'

/** Types in which numbers are computed. */
export type FloatType = 'float32' | 'float16' | 'bfloat16'

/** How weights are held: as numbers, in blocks of 8 or 4 bits, or in columns of 8. */
export type HeldType = 'f32' | 'bf16' | 'f16' | 'int8' | 'int4'

/**
 * How a model is computed. Whatever the policy, float32 are: sums inside norms, angles, softmax, everything that a session
 * takes and gives, and the projector.
 */
export interface DTypePolicy {
  /** The residual stream, and everything that is not named here. */
  readonly activations: FloatType
  /** Keys and values, in the cache and in the operator that attends. */
  readonly cache: FloatType
  /**
   * `biased`: one operator whose bias says what every query sees. `causal`: an operator that knows causality and the
   * window itself, and beside it another that follows a mask, for steps with pictures or padding.
   */
  readonly attention: 'biased' | 'causal'
  /** What the attention operator does to queries and keys itself. */
  readonly fuses: 'nothing' | 'rotary' | 'norm and rotary'
  /** Whether cosines and sines are computed by the graph, or given to it. */
  readonly angles: 'computed' | 'given'
  /** Whether the residual stream is held smaller than it is, so that it fits into float16; see `residual-stream.ts`. */
  readonly rescales: boolean
}

const FLOAT32: DTypePolicy = {
  activations: 'float32',
  cache: 'float32',
  attention: 'biased',
  fuses: 'nothing',
  angles: 'computed',
  rescales: false,
}

/** What every CPU does, and a graph that nobody says anything about. */
export const CPU_POLICY = FLOAT32

const CUDA_BFLOAT16: DTypePolicy = {
  activations: 'bfloat16',
  cache: 'bfloat16',
  attention: 'causal',
  fuses: 'norm and rotary',
  angles: 'computed',
  rescales: false,
}
const WEBGPU_FLOAT16: DTypePolicy = {
  activations: 'float16',
  cache: 'float16',
  attention: 'causal',
  fuses: 'nothing',
  angles: 'given',
  rescales: true,
}

/**
 * The policy of each device and each way to hold weights. What ONNX Runtime 1.30 can do decides:
 *
 * - CUDA attends in 16 bits only. It takes a bias, but then leaves its fast kernels.
 * - WebGPU knows no bfloat16, and no attention that is not causal. Its own rotary embedding counts slots and ignores
 *   positions, and its norm of queries and keys comes with that only. Its sine is good to 2^-11 up to π and to nothing
 *   beyond.
 * - A CPU computes 16-bit numbers by converting them back and forth.
 *
 * Weights in blocks are multiplied in the type with the wider range where there is one.
 */
const POLICIES: Readonly<Record<Device, Readonly<Record<HeldType, DTypePolicy>>>> = {
  cpu: { f32: FLOAT32, bf16: FLOAT32, f16: FLOAT32, int8: FLOAT32, int4: FLOAT32 },
  cuda: {
    f32: { ...FLOAT32, cache: 'float16', attention: 'causal' },
    bf16: CUDA_BFLOAT16,
    f16: { ...CUDA_BFLOAT16, activations: 'float16', cache: 'float16', rescales: true },
    int8: CUDA_BFLOAT16,
    int4: CUDA_BFLOAT16,
  },
  webgpu: {
    f32: { ...FLOAT32, attention: 'causal', angles: 'given' },
    bf16: WEBGPU_FLOAT16,
    f16: WEBGPU_FLOAT16,
    int8: WEBGPU_FLOAT16,
    int4: WEBGPU_FLOAT16,
  },
}

/** How a model with such weights is computed on a device. */
export function dtypePolicy(device: Device, weights: HeldType): DTypePolicy {
  return POLICIES[device][weights]
}

/**
 * Whether a device multiplies by columns of 8 bits: their operator rounds the other factor too, and only the CPU provider
 * has it.
 */
export function multipliesColumns(device: Device, activations: BlockActivations = 'int8'): boolean {
  return device === 'cpu' && activations === 'int8'
}

const HELD_AS: Readonly<Partial<Record<DType, HeldType>>> = { bfloat16: 'bf16', float16: 'f16' }

/** How a weight is held. */
export function heldType(weight: StoredWeight): HeldType {
  if ('blocks' in weight) return weight.blocks.bits === 4 ? 'int4' : 'int8'
  if ('columns' in weight) return 'int8'
  return HELD_AS[weight.dtype] ?? 'f32'
}
