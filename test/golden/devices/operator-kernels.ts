/**
 * Types in which each provider has a kernel, of the operators that a Gemma graph may have.
 *
 * Sources: for CUDA the registered kernels of `docs/OperatorKernels.md` of microsoft/onnxruntime at 001d12d2, and for
 * operators of `com.microsoft` the error messages of `libonnxruntime_providers_cuda.so` 1.30.0; for WebGPU what the
 * provider in `libonnxruntime.so.1` 1.30.0 took when it was asked for every node of these graphs.
 */
import type { DType } from '@loupe/model'

type Types = readonly DType[]

const FLOATS: Types = ['float32', 'float16', 'bfloat16']
const NARROW: Types = ['float32', 'float16']
const NUMBERS: Types = [...FLOATS, 'int32', 'int64']
const ANY: Types = [...NUMBERS, 'uint8', 'bool']
const INDICES: Types = ['int32', 'int64']

/** Of an operator: the types of its results, or of its first input where results are bools or converted. */
export type Kernels = Readonly<Record<string, Types>>

const CUDA: Kernels = {
  Add: NUMBERS,
  And: ['bool'],
  Cast: ANY,
  Concat: ANY,
  Cos: NARROW,
  Div: NUMBERS,
  Equal: INDICES,
  Gather: ANY,
  GatherBlockQuantized: FLOATS,
  GatherElements: ANY,
  Gelu: FLOATS,
  Gemm: FLOATS,
  Greater: INDICES,
  GroupQueryAttention: ['float16', 'bfloat16'],
  If: ANY,
  LayerNormalization: FLOATS,
  LessOrEqual: INDICES,
  MatMul: FLOATS,
  MatMulNBits: FLOATS,
  Mul: NUMBERS,
  MultiHeadAttention: FLOATS,
  Or: ['bool'],
  Range: ['int64'],
  ReduceMean: NARROW,
  ReduceSum: FLOATS,
  Reshape: ANY,
  RotaryEmbedding: FLOATS,
  ScatterND: ANY,
  Shape: ['int64'],
  SimplifiedLayerNormalization: FLOATS,
  Sin: NARROW,
  Slice: ANY,
  Softmax: FLOATS,
  Transpose: ANY,
  Where: FLOATS,
}

const WEBGPU: Kernels = {
  Add: [...NARROW, 'int32'],
  And: ['bool'],
  Cast: [...NARROW, 'int32', 'uint8'],
  Div: NARROW,
  Equal: ['int32'],
  Gather: [...NARROW, 'int32'],
  GatherBlockQuantized: NARROW,
  Gelu: NARROW,
  Gemm: NARROW,
  Greater: ['int32'],
  GroupQueryAttention: NARROW,
  If: ANY,
  LayerNormalization: NARROW,
  LessOrEqual: ['int32'],
  MatMul: NARROW,
  MatMulNBits: NARROW,
  Mul: NARROW,
  MultiHeadAttention: NARROW,
  ReduceMean: NARROW,
  ReduceSum: NARROW,
  Reshape: [...NARROW, 'int32', 'int64'],
  RotaryEmbedding: NARROW,
  ScatterND: NARROW,
  Shape: ['int64'],
  SimplifiedLayerNormalization: NARROW,
  Slice: NARROW,
  Softmax: NARROW,
  Transpose: NARROW,
  Where: NARROW,
}

/** What a provider leaves to the CPU, and why that does no harm. */
export const LEFT_TO_THE_CPU: Readonly<Record<'cuda' | 'webgpu', Kernels>> = {
  cuda: {},
  webgpu: {
    // Only in steps with pictures or padding, where the mask is worked out.
    GatherElements: ['int32'],
    Or: ['bool'],
    // Rows of an embedding table in bfloat16: the table stays where it is, its rows are sent.
    Gather: ['bfloat16'],
  },
}

export const KERNELS: Readonly<Record<'cuda' | 'webgpu', Kernels>> = { cuda: CUDA, webgpu: WEBGPU }
