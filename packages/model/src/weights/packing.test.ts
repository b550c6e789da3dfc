import { describe, expect, it } from 'vitest'
import { dequantize } from './gguf-dequantize.ts'
import { GGUF_TYPES, ggufBytes } from './gguf-types.ts'
import { type PackableWeight, type PackForm, packedTensors, packRows, rowsOfPiece } from './packing.ts'
import { storedBytes } from './safetensors.ts'

const INT4 = { kind: 'quantized', bits: 4, blockSize: 32 } as const
const INT8 = { kind: 'quantized', bits: 8, blockSize: 16 } as const
const BLOCKS = { kind: 'blocks' } as const
const COLUMNS = { kind: 'columns' } as const

function randomBytes(weight: PackableWeight): Uint8Array {
  let state = 1
  const bytes = Uint8Array.from({ length: ggufBytes(weight.dtype, weight.shape) }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0
    // No exponent of ones, whatever the type: such a float is no number.
    return (state >>> 24) & 0xbb
  })
  return bytes
}

const CASES: readonly (readonly [PackableWeight['dtype'], readonly number[], PackForm])[] = [
  ['F32', [6, 40], INT4],
  ['BF16', [6, 48], INT8],
  ['F16', [4, 3, 14], { kind: 'floats', dtype: 'F32' }],
  ['F32', [6, 7], { kind: 'floats', dtype: 'BF16' }],
  ['F32', [5], { kind: 'stored' }],
  ['Q8_0', [6, 64], BLOCKS],
  ['Q8_0', [6, 64], INT4],
  ['Q4_1', [6, 32], BLOCKS],
  ['Q6_K', [6, 256], BLOCKS],
  ['Q4_K', [6, 256], { kind: 'floats', dtype: 'F32' }],
]

describe('packing', () => {
  it.each(CASES)('%s %j as %j gives the bytes that its tensors announce, whole or by rows', (dtype, shape, form) => {
    const weight = { name: 'w', dtype, shape }
    const bytes = randomBytes(weight)
    const whole = packRows(weight, form, bytes)
    expect(whole.map(({ byteLength }) => byteLength)).toEqual(
      packedTensors(weight, form).map((tensor) => storedBytes(tensor.dtype, tensor.shape)),
    )
    const rows = shape.length === 1 ? 1 : 2
    const size = bytes.byteLength / rows
    const pieces = Array.from({ length: rows }, (_, i) => packRows(weight, form, bytes.slice(i * size, (i + 1) * size)))
    for (const [index, tensor] of whole.entries()) {
      expect(pieces.flatMap((piece) => [...(piece[index] ?? [])])).toEqual([...tensor])
    }
  })

  it.each([
    ['F32', [6, 40]],
    ['BF16', [3, 7]],
    ['Q8_0', [5, 64]],
    ['Q6_K', [2, 256]],
  ] as const)('%s %j as columns is on its side, each row within its scale', (dtype, shape) => {
    const weight = { name: 'w', dtype, shape }
    const bytes = randomBytes(weight)
    const [columns, scales] = packRows(weight, COLUMNS, bytes)
    const [outer, inner] = shape
    const tensors = packedTensors(weight, COLUMNS)
    expect(tensors).toEqual([
      { suffix: '.columns', dtype: 'I8', shape: [inner, outer] },
      { suffix: '.scales', dtype: 'F32', shape: [outer] },
    ])
    expect([columns?.byteLength, scales?.byteLength]).toEqual([outer * inner, 4 * outer])
    const steps = new Float32Array(Uint8Array.from(scales ?? []).buffer)
    const quants = new Int8Array(Uint8Array.from(columns ?? []).buffer)
    for (const [index, exact] of dequantize(dtype, bytes).entries()) {
      const [o, i] = [Math.floor(index / inner), index % inner]
      const step = steps[o] ?? Number.NaN
      const found = (quants[i * outer + o] ?? Number.NaN) * step
      expect(Math.abs(found - exact)).toBeLessThanOrEqual(step * 1.000001)
    }
  })

  it('takes rows by pieces, but what becomes columns whole', () => {
    const weight = { name: 'w', dtype: 'F32', shape: [6, 40] } as const
    expect(rowsOfPiece(weight, INT8, 100)).toBe(2)
    expect(rowsOfPiece(weight, INT8, 39)).toBe(1)
    expect(rowsOfPiece(weight, INT8, 1e6)).toBe(6)
    expect(rowsOfPiece(weight, COLUMNS, 39)).toBe(6)
  })

  it('names the shapes of what it gives', () => {
    const weight = { name: 'w', dtype: 'F32', shape: [6, 40] } as const
    expect(packedTensors(weight, INT4)).toEqual([
      { suffix: '.quants', dtype: 'U8', shape: [6, 2, 16] },
      { suffix: '.scales', dtype: 'F32', shape: [6, 2] },
    ])
    expect(packedTensors({ ...weight, dtype: 'Q5_K', shape: [6, 256] }, BLOCKS)).toEqual([
      { suffix: '.quants', dtype: 'U8', shape: [6, 8, 32] },
      { suffix: '.scales', dtype: 'F32', shape: [6, 8] },
      { suffix: '.offsets', dtype: 'F32', shape: [6, 8] },
    ])
    expect(packedTensors(weight, { kind: 'stored' })).toEqual([{ suffix: '', dtype: 'F32', shape: [6, 40] }])
  })

  it.each([
    ['F32', INT8, Float32Array.of(1, Number.NaN, 2, 3), 'found an infinity or NaN'],
    ['F32', INT4, Float32Array.of(Number.POSITIVE_INFINITY, 1, 2, 3), 'found an infinity or NaN'],
    ['F32', { kind: 'floats', dtype: 'F16' }, Float32Array.of(1e5, 1, 2, 3), 'expected numbers in the range of F16'],
    ['BF16', INT8, Uint16Array.of(0, 0xff80), 'found an infinity or NaN'],
    ['F32', COLUMNS, Float32Array.of(1, 2, 3, Number.NaN), 'found an infinity or NaN'],
    ['Q8_0', BLOCKS, new Uint8Array(GGUF_TYPES.Q8_0.blockBytes).fill(0x7c), 'found an infinity or NaN'],
  ] as const)('of %s as %j names the weight that holds no number', (dtype, form, data, message) => {
    const { blockSize } = GGUF_TYPES[dtype]
    const shape = [1, (data.byteLength / GGUF_TYPES[dtype].blockBytes) * blockSize]
    const pack = () => packRows({ name: 'blk.3.ffn_up.weight', dtype, shape }, form, new Uint8Array(data.buffer))
    expect(pack).toThrow(expect.objectContaining({ code: 'weights.invalid', detail: expect.stringContaining(message) }))
    expect(pack).toThrow('blk.3.ffn_up.weight: ')
  })

  it('has no blocks of floats, and no floats of blocks', () => {
    expect(() => packedTensors({ name: 'w', dtype: 'F32', shape: [1, 32] }, BLOCKS)).toThrow(
      'Expected a weight in blocks',
    )
    const stored = () => packedTensors({ name: 'w', dtype: 'Q4_0', shape: [1, 32] }, { kind: 'stored' })
    expect(stored).toThrow('w: expected F32, F16 or BF16, found Q4_0.')
  })
})
