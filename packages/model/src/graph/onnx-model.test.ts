import { describe, expect, it } from 'vitest'
import { encodeModel, type OnnxModel } from './onnx-model.ts'

/** A reader for the few wire types we write: fields in order, messages left as bytes. */
function fieldsOf(bytes: Uint8Array): [field: number, value: bigint | Uint8Array][] {
  const out: [number, bigint | Uint8Array][] = []
  let at = 0
  const varint = () => {
    let [value, shift] = [0n, 0n]
    for (;;) {
      const byte = bytes[at++] ?? expect.fail('the message ends inside a number')
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return value
      shift += 7n
    }
  }
  const take = (length: number) => {
    at += length
    return bytes.subarray(at - length, at)
  }
  while (at < bytes.length) {
    const tag = Number(varint())
    const wire = tag & 7
    out.push([tag >> 3, wire === 0 ? varint() : take(wire === 5 ? 4 : Number(varint()))])
  }
  return out
}

const all = (bytes: Uint8Array, field: number) =>
  fieldsOf(bytes).flatMap(([found, value]) => (found === field && value instanceof Uint8Array ? [value] : []))
const only = (bytes: Uint8Array, field: number) => all(bytes, field)[0] ?? expect.fail(`there is no field ${field}`)
const texts = (bytes: Uint8Array, field: number) => all(bytes, field).map((value) => new TextDecoder().decode(value))
const number = (bytes: Uint8Array, field: number) => fieldsOf(bytes).find(([found]) => found === field)?.[1]

const MODEL: OnnxModel = {
  nodes: [
    {
      name: 'layer.Gemm',
      op: 'Gemm',
      domain: '',
      inputs: ['x', 'w', ''],
      outputs: ['y'],
      attributes: { transB: 1, alpha: { float: 0.5 }, mode: 'tanh', perm: [1, 0] },
    },
    { name: 'gqa', op: 'GroupQueryAttention', domain: 'com.microsoft', inputs: [], outputs: ['z'], attributes: {} },
  ],
  initializers: [
    { name: 'one', dtype: 'int64', shape: [], content: Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0) },
    { name: 'w', dtype: 'bfloat16', shape: [300, 2], content: { file: 'model.safetensors', offset: 5e9, bytes: 1200 } },
  ],
  inputs: [{ name: 'x', dtype: 'float32', shape: ['b', 2] }],
  outputs: [{ name: 'y', dtype: 'bool', shape: [] }],
}

describe('encodeModel', () => {
  const model = encodeModel(MODEL)
  const graph = only(model, 7)

  it('states the format and the operator sets', () => {
    expect(number(model, 1)).toBe(10n)
    expect(all(model, 8).map((set) => [texts(set, 1)[0], number(set, 2)])).toEqual([
      ['', 21n],
      ['com.microsoft', 1n],
    ])
  })

  it('writes nodes with their names, places and domain', () => {
    const [gemm = graph, attention = graph] = all(graph, 1)
    expect({ inputs: texts(gemm, 1), outputs: texts(gemm, 2), name: texts(gemm, 3), op: texts(gemm, 4) }).toEqual({
      inputs: ['x', 'w', ''],
      outputs: ['y'],
      name: ['layer.Gemm'],
      op: ['Gemm'],
    })
    expect(texts(gemm, 7)).toEqual([])
    expect(texts(attention, 7)).toEqual(['com.microsoft'])
  })

  it('writes each kind of attribute in its own field, with its type', () => {
    const attributes = new Map(all(only(graph, 1), 5).map((attribute) => [texts(attribute, 1)[0], attribute]))
    const named = (name: string) => attributes.get(name) ?? expect.fail(`there is no ${name}`)
    expect([number(named('transB'), 3), number(named('transB'), 20)]).toEqual([1n, 2n])
    expect([new Float32Array(Uint8Array.from(only(named('alpha'), 2)).buffer)[0], number(named('alpha'), 20)]).toEqual([
      0.5,
      1n,
    ])
    expect([texts(named('mode'), 4)[0], number(named('mode'), 20)]).toEqual(['tanh', 3n])
    expect([[...only(named('perm'), 8)], number(named('perm'), 20)]).toEqual([[1, 0], 7n])
  })

  it('writes small tensors inside and weights as places in a file', () => {
    const [one = graph, weight = graph] = all(graph, 5)
    expect([[...only(one, 1)], number(one, 2), texts(one, 8)]).toEqual([[], 7n, ['one']])
    expect([...only(one, 9)]).toEqual([1, 0, 0, 0, 0, 0, 0, 0])
    expect([[...only(weight, 1)], number(weight, 2), number(weight, 14)]).toEqual([[0xac, 2, 2], 16n, 1n])
    expect(all(weight, 13).map((entry) => [...texts(entry, 1), ...texts(entry, 2)])).toEqual([
      ['location', 'model.safetensors'],
      ['offset', '5000000000'],
      ['length', '1200'],
    ])
    expect(all(weight, 9)).toEqual([])
  })

  it('declares inputs and outputs with known and symbolic sizes', () => {
    const described = (port: Uint8Array) => {
      const tensor = only(only(port, 2), 1)
      return [texts(port, 1)[0], number(tensor, 1), all(only(tensor, 2), 1).map((d) => number(d, 1) ?? texts(d, 2)[0])]
    }
    expect(all(graph, 11).map(described)).toEqual([['x', 1n, ['b', 2n]]])
    expect(all(graph, 12).map(described)).toEqual([['y', 9n, []]])
  })
})
