/** Models of a few nodes, written as protobuf by hand so that these tests need nothing but the runtime. */

import type { DType } from '../../graph/runtime.ts'

type Dimension = number | string
type Bytes = Uint8Array

/** An element type, by its number in ONNX. */
const TYPES: Partial<Record<DType | 'float64', number>> = { float32: 1, int64: 7, bool: 9, float64: 11 }
const GRAPH_ATTRIBUTE = 5
const EXTERNAL = 1

/** Where an external initializer lies. */
export interface External {
  readonly location: string
  readonly offset: number
  readonly length: number
}

/** y = x + w, with w = [10, 20] inside the model, or two floats in a file. Both are `[n, 2]` in x and y. */
export function adder(external?: External): Bytes {
  const values = new Uint8Array(new Float32Array([10, 20]).buffer)
  const w = external === undefined ? field(9, values) : externalData(external)
  return model(
    join(
      node('Add', ['x', 'w'], ['y']),
      field(5, join(number(1, 2), number(2, 1), text(8, 'w'), w)),
      field(11, valueInfo('x', 'float32', ['n', 2])),
      field(12, valueInfo('y', 'float32', ['n', 2])),
    ),
  )
}

/** present = past + x, all `[4]`: what a cache does when past and present are one tensor. */
export function accumulator(): Bytes {
  return model(
    join(
      node('Add', ['past', 'x'], ['present']),
      field(11, valueInfo('past', 'float32', [4])),
      field(11, valueInfo('x', 'float32', [4])),
      field(12, valueInfo('present', 'float32', [4])),
    ),
  )
}

/** y = rounds * x, `[n]`, by adding x again and again: `rounds`, a scalar, decides how long a run takes. */
export function repeater(): Bytes {
  const body = join(
    node('Identity', ['go'], ['goOn']),
    node('Add', ['sum', 'x'], ['nextSum']),
    text(2, 'body'),
    field(11, valueInfo('round', 'int64', [])),
    field(11, valueInfo('go', 'bool', [])),
    field(11, valueInfo('sum', 'float32', ['n'])),
    field(12, valueInfo('goOn', 'bool', [])),
    field(12, valueInfo('nextSum', 'float32', ['n'])),
  )
  const attribute = join(text(1, 'body'), field(6, body), number(20, GRAPH_ATTRIBUTE))
  return model(
    join(
      node('Sub', ['x', 'x'], ['zero']),
      node('Loop', ['rounds', '', 'zero'], ['y'], attribute),
      field(11, valueInfo('rounds', 'int64', [])),
      field(11, valueInfo('x', 'float32', ['n'])),
      field(12, valueInfo('y', 'float32', ['n'])),
    ),
  )
}

/** y = x * (nodes + 1), `[n]`, in so many nodes that loading takes a while. */
export function chain(nodes: number): Bytes {
  const adds = Array.from({ length: nodes }, (_, at) =>
    node('Add', [at === 0 ? 'x' : `sum${at}`, 'x'], [at === nodes - 1 ? 'y' : `sum${at + 1}`]),
  )
  return model(join(...adds, field(11, valueInfo('x', 'float32', ['n'])), field(12, valueInfo('y', 'float32', ['n']))))
}

/** A model whose input has a dtype that Loupe does not know. */
export function doubles(): Bytes {
  return model(
    join(
      node('Identity', ['x'], ['y']),
      field(11, valueInfo('x', 'float64', [1])),
      field(12, valueInfo('y', 'float64', [1])),
    ),
  )
}

function model(graph: Bytes): Bytes {
  const opset = join(text(1, ''), number(2, 21))
  return join(number(1, 10), field(7, join(graph, text(2, 'graph'))), field(8, opset))
}

function node(type: string, inputs: string[], outputs: string[], attribute?: Bytes): Bytes {
  const names = [...inputs.map((name) => text(1, name)), ...outputs.map((name) => text(2, name))]
  return field(1, join(...names, text(4, type), ...(attribute === undefined ? [] : [field(5, attribute)])))
}

function valueInfo(name: string, dtype: DType | 'float64', shape: readonly Dimension[]): Bytes {
  const sizes = shape.map((size) => field(1, typeof size === 'number' ? number(1, size) : text(2, size)))
  const tensor = join(number(1, TYPES[dtype] ?? 0), field(2, join(...sizes)))
  return join(text(1, name), field(2, field(1, tensor)))
}

function externalData(external: External): Bytes {
  const entries = Object.entries(external).map(([key, value]) => field(13, join(text(1, key), text(2, String(value)))))
  return join(...entries, number(14, EXTERNAL))
}

function text(id: number, value: string): Bytes {
  return field(id, new TextEncoder().encode(value))
}

function field(id: number, payload: Bytes): Bytes {
  return join(varint(id * 8 + 2), varint(payload.length), payload)
}

function number(id: number, value: number): Bytes {
  return join(varint(id * 8), varint(value))
}

function varint(value: number): Bytes {
  return value < 128 ? Uint8Array.of(value) : join(Uint8Array.of(128 + (value % 128)), varint(Math.floor(value / 128)))
}

function join(...parts: readonly Bytes[]): Bytes {
  return Uint8Array.from(parts.flatMap((part) => [...part]))
}
