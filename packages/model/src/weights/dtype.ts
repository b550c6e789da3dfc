/** How an element is stored in a checkpoint, and its bytes. Names of the safetensors format. */
export const ELEMENT_BYTES = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  F8_E4M3: 1,
  F8_E5M2: 1,
  U16: 2,
  I16: 2,
  F16: 2,
  BF16: 2,
  U32: 4,
  I32: 4,
  F32: 4,
  U64: 8,
  I64: 8,
  F64: 8,
} as const satisfies Record<string, number>

/** The element type of a stored tensor. */
export type StoredDType = keyof typeof ELEMENT_BYTES

/** True for a name of the table above; `toString` and the like are not. */
export function isStoredDType(name: unknown): name is StoredDType {
  return typeof name === 'string' && Object.hasOwn(ELEMENT_BYTES, name)
}

/** Numbers of a tensor. `Infinity` when there are too many to count exactly. */
export function elementsOf(shape: readonly number[]): number {
  if (shape.includes(0)) return 0
  const elements = shape.reduce((product, size) => product * size, 1)
  return Number.isSafeInteger(elements) ? elements : Number.POSITIVE_INFINITY
}

const word = new Uint32Array(1)
const wordAsFloat = new Float32Array(word.buffer)

/** The value of one bfloat16: the upper half of a float32. */
export function bfloat16ToNumber(bits: number): number {
  word[0] = bits << 16
  return wordAsFloat[0] ?? 0
}

/** The value of one IEEE half-precision float. */
export function float16ToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1
  const magnitude = bits & 0x7fff
  if (magnitude > 0x7c00) return Number.NaN
  if (magnitude === 0x7c00) return sign * Number.POSITIVE_INFINITY
  // Read as a float32 the exponent is too small by the difference of the two biases; subnormals come out right too.
  word[0] = magnitude << 13
  return sign * (wordAsFloat[0] ?? 0) * 2 ** 112
}

interface FloatFormat {
  readonly fractionBits: number
  readonly minExponent: number
  readonly maxExponent: number
}

const FORMATS = {
  F16: { fractionBits: 10, minExponent: -14, maxExponent: 15 },
  BF16: { fractionBits: 7, minExponent: -126, maxExponent: 127 },
  F32: { fractionBits: 23, minExponent: -126, maxExponent: 127 },
} as const satisfies Record<string, FloatFormat>

/** A float type that weights may have. */
export type FloatDType = keyof typeof FORMATS

/** True for a float type that weights may have. */
export function isFloatDType(dtype: string): dtype is FloatDType {
  return Object.hasOwn(FORMATS, dtype)
}

/**
 * The nearest value that a float type can hold, ties to even; infinity beyond its range.
 *
 * Gemma's embedding scale is such a value: sqrt(2560) is 50.5 in bfloat16.
 */
export function roundToDType(value: number, dtype: FloatDType): number {
  if (value === 0 || !Number.isFinite(value)) return value
  const { fractionBits, minExponent, maxExponent } = FORMATS[dtype]
  const step = 2 ** (Math.max(exponentOf(value), minExponent) - fractionBits)
  const rounded = roundHalfEven(value / step) * step
  return Math.abs(rounded) < 2 ** (maxExponent + 1) ? rounded : Math.sign(value) * Number.POSITIVE_INFINITY
}

/** The e of `1.xxx * 2^e`; low enough for any subnormal double. */
function exponentOf(value: number): number {
  const view = new DataView(new ArrayBuffer(8))
  view.setFloat64(0, value)
  return ((view.getUint16(0) >> 4) & 0x7ff) - 1023
}

function roundHalfEven(value: number): number {
  const below = Math.floor(value)
  const rest = value - below
  if (rest !== 0.5) return Math.round(value)
  return below % 2 === 0 ? below : below + 1
}
