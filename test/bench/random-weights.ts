/** Random numbers that look like weights. Counter-based: any element can be made without those before it. */

/** How the elements of a tensor are spread. */
export interface Spread {
  readonly mean: number
  /** Standard deviation. */
  readonly std: number
}

/** Elements of one tensor, ready to be written piece by piece. */
export interface RandomTensor {
  readonly dtype: 'BF16' | 'F32'
  readonly elements: number
  readonly spread: Spread
  /** Another key gives an unrelated stream. */
  readonly key: number
}

/**
 * The scale at which activations stay near one, by the kind of weight: linear maps keep the variance of what goes in, the
 * embedding table does so after its factor of √d, norms sit near those of trained models.
 *
 * @param name - canonical
 */
export function spreadOf(name: string, shape: readonly number[]): Spread {
  if (name.endsWith('.bias')) return { mean: 0, std: 0.02 }
  if (name.endsWith('position_embedding.weight')) return { mean: 0, std: 0.02 }
  if (/(layer_norm\d|post_layernorm)\.weight$/.test(name)) return { mean: 1, std: 0.1 }
  // These are stored as w and multiply by 1 + w.
  if (name.endsWith('norm.weight')) return { mean: 0.5, std: 0.25 }
  // Used un-transposed: its first axis is the one that is summed over.
  const fanIn = name.endsWith('projection_weight') ? (shape[0] ?? 1) : shape.slice(1).reduce((a, b) => a * b, 1)
  return { mean: 0, std: fanIn ** -0.5 }
}

/**
 * Fills `out` with elements `[start, start + out.length)` of a tensor.
 *
 * @param out - bfloat16 bits or float32, as the tensor's dtype
 * @param start - even
 */
export function fillRandom(out: Uint16Array | Float32Array, tensor: RandomTensor, start: number): void {
  const table = quantiles(tensor)
  // One hash of 32 bits chooses two elements: 16 bits are as many different values as bfloat16 has near zero.
  for (let index = 0; index < out.length; index += 2) {
    const bits = mix(((start + index) >>> 1) ^ tensor.key)
    out[index] = table[bits & 0xffff] ?? 0
    if (index + 1 < out.length) out[index + 1] = table[bits >>> 16] ?? 0
  }
}

/** 32-bit key of a tensor: FNV-1a over its name, continued from the seed and mixed. */
export function keyOf(seed: number, name: string): number {
  let hash = mix(seed ^ 0x811c9dc5)
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193)
  return mix(hash)
}

/** A bijection of 32-bit numbers whose every output bit depends on every input bit. */
function mix(x: number): number {
  let h = x | 0
  h = Math.imul(h ^ (h >>> 16), 0x21f0aaad)
  h = Math.imul(h ^ (h >>> 15), 0x735a2d97)
  return (h ^ (h >>> 15)) >>> 0
}

const QUANTILES = 65_536
const tables = new Map<string, Uint16Array | Float32Array>()
let standardNormal: Float32Array | undefined

/** The normal distribution in 65,536 equally likely values, in the tensor's type. */
function quantiles({ dtype, spread }: RandomTensor): Uint16Array | Float32Array {
  const key = `${dtype} ${spread.mean} ${spread.std}`
  const known = tables.get(key)
  if (known !== undefined) return known
  standardNormal ??= Float32Array.from({ length: QUANTILES }, (_, i) => normalQuantile((i + 0.5) / QUANTILES))
  const floats = standardNormal.map((value) => spread.mean + spread.std * value)
  // Cutting off the lower half rounds towards zero, which is all that random weights need.
  const table = dtype === 'F32' ? floats : Uint16Array.from(new Uint32Array(floats.buffer), (bits) => bits >>> 16)
  tables.set(key, table)
  return table
}

/** Inverts the normal distribution by bisection on its series; it runs once for the table. */
function normalQuantile(p: number): number {
  let [low, high] = [-6, 6]
  for (let step = 0; step < 40; step++) {
    const middle = (low + high) / 2
    if (normalCdf(middle) < p) low = middle
    else high = middle
  }
  return (low + high) / 2
}

/** @see Marsaglia, Evaluating the Normal Distribution (2004): 1/2 + φ(x) · (x + x³/3 + x⁵/(3·5) + …) */
function normalCdf(x: number): number {
  let term = x
  let sum = x
  for (let odd = 3; Math.abs(term) > 1e-12; odd += 2) {
    term *= (x * x) / odd
    sum += term
  }
  return 0.5 + (sum * Math.exp((-x * x) / 2)) / Math.sqrt(2 * Math.PI)
}
