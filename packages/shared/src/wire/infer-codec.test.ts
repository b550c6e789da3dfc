import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AppError } from '../errors/index.ts'
import { decodeInferRequest, decodeInferResponse, encodeInferRequest, encodeInferResponse } from './infer-codec.ts'
import { HEADER_LENGTH_HEADER } from './paths.ts'
import type { OipTensor } from './tensor.ts'

const name = fc.string({ minLength: 1, maxLength: 20 })
const tensor: fc.Arbitrary<OipTensor> = fc.oneof(
  fc
    .tuple(name, fc.uint8Array())
    .map(([n, data]) => ({ name: n, datatype: 'UINT8' as const, shape: [data.length], data })),
  fc
    .tuple(name, fc.int32Array())
    .map(([n, data]) => ({ name: n, datatype: 'INT32' as const, shape: [1, data.length], data })),
  fc
    .tuple(name, fc.float32Array({ noNaN: true }))
    .map(([n, data]) => ({ name: n, datatype: 'FP32' as const, shape: [data.length], data })),
  fc
    .tuple(name, fc.array(fc.uint8Array()))
    .map(([n, data]) => ({ name: n, datatype: 'BYTES' as const, shape: [data.length], data })),
)
const tensors = fc.array(tensor, { maxLength: 16 })

describe('infer messages', () => {
  it('come back as they were sent, at any address', () => {
    fc.assert(
      fc.property(tensors, fc.nat(7), (inputs, offset) => {
        const { headers, body } = encodeInferRequest({ id: 'r', parameters: { seed: 1 }, inputs })
        const moved = new Uint8Array(offset + body.length)
        moved.set(body, offset)
        const headerLength = headers[HEADER_LENGTH_HEADER]
        const back = decodeInferRequest({ headerLength, body: moved.subarray(offset) })
        expect(back).toEqual({ id: 'r', parameters: { seed: 1 }, inputs })
      }),
    )
  })

  it('answer with the outputs that were written', () => {
    fc.assert(
      fc.property(tensors, (outputs) => {
        const { headers, body } = encodeInferResponse({ model_name: 'm', outputs })
        const back = decodeInferResponse({ headerLength: headers[HEADER_LENGTH_HEADER], body })
        expect(back).toEqual({ model_name: 'm', outputs })
      }),
    )
  })

  it('refuse a tensor whose data does not fill its shape', () => {
    const inputs: OipTensor[] = [{ name: 'x', datatype: 'INT32', shape: [3], data: Int32Array.of(1) }]
    expect(() => encodeInferRequest({ inputs })).toThrow(/expects 3 elements, found 1/)
  })

  it.each([
    ['inputs', { inputs: Array(1000).fill({}) }, 'inputs: Too big: expected array to have <=16 items'],
    [
      'sizes',
      { inputs: [{ name: 'x', datatype: 'INT32', shape: Array(1000).fill('') }] },
      'inputs.0.shape: Too big: expected array to have <=8 items',
    ],
  ])('count %s before they look at any: there is room for a million faults', (_, message, detail) => {
    const body = new TextEncoder().encode(JSON.stringify(message))
    expect(() => decodeInferRequest({ headerLength: null, body })).toThrow(detail)
  })

  it('fail only with an AppError, whatever the bytes', () => {
    const json = fc.json().map((text) => new TextEncoder().encode(text))
    const damaged = fc
      .tuple(tensors, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 8 }))
      .map(([inputs, hits]) => {
        const { body } = encodeInferRequest({ inputs })
        for (const [at, value] of hits) body[at % body.length] = value
        return body
      })
    const bytes = fc.oneof(fc.uint8Array({ size: 'max', maxLength: 2048 }), json, damaged)
    fc.assert(
      fc.property(bytes, fc.option(fc.oneof(fc.nat(4096).map(String), fc.string())), (body, headerLength) => {
        try {
          decodeInferRequest({ headerLength, body })
        } catch (error) {
          expect(AppError.isInstance(error)).toBe(true)
        }
      }),
      { numRuns: 500 },
    )
  })
})
