import { Graph, type Value } from './graph-internals.ts'
import type { Candidate } from './operator-candidates.ts'
import type { Matrix, ScratchFile } from './operator-weights.ts'
import { fillRandom, keyOf } from './random-weights.ts'

/** A place in a published model where a run of linear maps lies. */
export interface Case {
  readonly name: string
  /** Rows of x: tokens or patches. */
  readonly rows: number
  /** How often the run is repeated, so that a decode step cannot live in the caches. */
  readonly layers: number
  /** `[o, i]` of each map, in order; each reads what the one before gives. */
  readonly maps: readonly (readonly [outer: number, inner: number])[]
}

/** Query, output, gate, down: keys, values and up are of the same shapes or small beside them. */
const decoder = (d: number, nh: number, f: number): Case['maps'] => [
  [nh, d],
  [d, nh],
  [f, d],
  [d, f],
]
const MAPS_270M = decoder(640, 1024, 2048)
const MAPS_1B = decoder(1152, 1024, 6912)
const MAPS_4B = decoder(2560, 2048, 10_240)
const MAPS_VISION: Case['maps'] = [
  [1152, 1152],
  [4304, 1152],
  [1152, 4304],
]

export const CASES: readonly Case[] = [
  { name: '270m decode', rows: 1, layers: 18, maps: MAPS_270M },
  { name: '1b decode', rows: 1, layers: 6, maps: MAPS_1B },
  { name: '4b decode', rows: 1, layers: 2, maps: MAPS_4B },
  { name: '4b head', rows: 1, layers: 1, maps: [[65_552, 2560]] },
  { name: '270m prefill', rows: 512, layers: 2, maps: MAPS_270M },
  { name: '1b prefill', rows: 512, layers: 1, maps: MAPS_1B },
  { name: '4b prefill', rows: 512, layers: 1, maps: MAPS_4B },
  { name: 'vision', rows: 4096, layers: 1, maps: MAPS_VISION },
]

/** The run of maps as one graph, from input `x` to output `y`; `first` is what the first map gives. */
export function caseGraph({ rows, layers, maps }: Case, candidate: Candidate, file: ScratchFile): Uint8Array {
  const g = new Graph()
  let x: Value<'r i'> = g.input('x', 'float32', 'r i', [rows, maps[0]?.[1] ?? 0])
  for (let layer = 0; layer < layers; layer++) {
    for (const [index, [outer, inner]] of maps.entries()) {
      const name = `layers.${layer}.${index}`
      const y = candidate.product(g, x, name, randomMatrix(name, outer, inner), file)
      if (layer + index === 0) g.output('first', y)
      // The outputs of one map are the inputs of the next: the same value under the axes it then has.
      x = { ...y } as unknown as Value<'r i'>
    }
  }
  g.output('y', x)
  return g.encode()
}

/** A matrix that keeps the variance of what it multiplies. */
export function randomMatrix(name: string, outer: number, inner: number): Matrix {
  return { outer, inner, data: randomFloats(name, outer * inner, inner ** -0.5) }
}

/**
 * Activations as the maps of a transformer see them: normal numbers; with outliers, one channel in a hundred is twenty
 * times as large in every row, as in trained models.
 */
export function randomActivations(rows: number, width: number, hasOutliers: boolean): Float32Array {
  const x = randomFloats('x', rows * width, 1)
  if (hasOutliers) for (let i = 0; i < x.length; i++) if ((i % width) % 100 === 7) x[i] = 20 * (x[i] ?? 0)
  return x
}

/** Normal numbers with this deviation. */
export function randomFloats(name: string, elements: number, std: number): Float32Array {
  const data = new Float32Array(elements)
  fillRandom(data, { dtype: 'F32', elements, spread: { mean: 0, std }, key: keyOf(7, name) }, 0)
  return data
}
