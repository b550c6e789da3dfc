import { describe, expect, it } from 'vitest'
import { Graph } from '../graph/graph.ts'
import { CPU_POLICY, dtypePolicy, heldType, multipliesColumns } from './dtype-policy.ts'
import { residualStream } from './residual-stream.ts'

const RESCALED = { ...CPU_POLICY, activations: 'float16', rescales: true } as const

describe('residualStream', () => {
  it('is left alone in float32', () => {
    const g = new Graph()
    const stream = residualStream(CPU_POLICY, 2560)
    const x = g.input('x', 'float32', 'b t d', ['b', 't', 2560])
    expect(stream.enter(g, x)).toBe(x)
    expect(stream.leave(g, x)).toBe(x)
    const norm = { path: 'norm', weight: g.input('w', 'float32', 'd', [2560]), epsilon: 1e-6 }
    expect(stream.read(norm)).toEqual(norm)
    expect(stream.write(norm)).toBe(norm)
  })

  it.each([
    [640, 1 / 32],
    [1152, 1 / 32],
    [2560, 1 / 64],
    [3840, 1 / 64],
    [5376, 1 / 64],
  ])('of width %d is rescaled by the power of two next to the inverse of its root', (width, scale) => {
    const g = new Graph()
    const norm = { path: 'norm', weight: g.input('w', 'float32', 'd', [width]), epsilon: 1e-6 }
    const stream = residualStream(RESCALED, width)
    expect(stream.read(norm).epsilon).toBe(1e-6 * scale ** 2)
    expect(stream.write(norm).factor).toBe(scale)
  })

  it('enters in its own type and leaves in float32', () => {
    const g = new Graph()
    const stream = residualStream(RESCALED, 64)
    const x = stream.enter(g, g.input('x', 'float32', 'b t d', ['b', 't', 64]))
    expect(x.dtype).toBe('float16')
    expect(stream.leave(g, x).dtype).toBe('float32')
  })
})

describe('dtypePolicy', () => {
  it('rescales float16 and nothing else', () => {
    for (const device of ['cpu', 'cuda', 'webgpu'] as const)
      for (const held of ['f32', 'bf16', 'f16', 'int8', 'int4'] as const) {
        const { activations, rescales } = dtypePolicy(device, held)
        expect(rescales, `${device} ${held}`).toBe(activations === 'float16')
      }
  })

  it('computes in float32 on every CPU', () => {
    for (const held of ['f32', 'bf16', 'f16', 'int8', 'int4'] as const)
      expect(dtypePolicy('cpu', held)).toBe(CPU_POLICY)
  })

  it('multiplies by columns on a CPU, whose kernel takes rows of 8 bits only', () => {
    expect(multipliesColumns('cpu')).toBe(true)
    expect(multipliesColumns('cpu', 'int8')).toBe(true)
    expect(multipliesColumns('cpu', 'float32')).toBe(false)
    for (const device of ['cuda', 'webgpu'] as const) expect(multipliesColumns(device, 'int8')).toBe(false)
  })

  it('goes by how a weight is held', () => {
    const floats = { file: 'f', offset: 0, bytes: 8, shape: [2, 2] } as const
    expect(heldType({ ...floats, dtype: 'bfloat16' })).toBe('bf16')
    expect(heldType({ ...floats, dtype: 'float16' })).toBe('f16')
    expect(heldType({ ...floats, dtype: 'float32' })).toBe('f32')
    const quants = { ...floats, dtype: 'uint8' } as const
    const blocks = { shape: [2, 32], blockSize: 32, quants, scales: { ...floats, dtype: 'float32' } } as const
    expect(heldType({ blocks: { ...blocks, bits: 4 } })).toBe('int4')
    expect(heldType({ blocks: { ...blocks, bits: 8 } })).toBe('int8')
    expect(heldType({ columns: { shape: [2, 32], quants, scales: blocks.scales } })).toBe('int8')
  })
})
