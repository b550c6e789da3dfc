import { describe, expect, it } from 'vitest'
import { Graph } from './graph.ts'
import { add, cast, multiply } from './ops/arithmetic.ts'
import { reshape, sizeOf } from './ops/layout.ts'
import { named } from './value.ts'

/** Strings that occur in the encoded model. */
const textOf = (g: Graph) => new TextDecoder('latin1').decode(g.encode())

describe('Graph', () => {
  it('names nodes by the path they were built under, and numbers equal ones', () => {
    const g = new Graph()
    const x = g.input('x', 'float32', 'b', ['b'])
    const names = g.at('language_model.layers.3', () => [add(g, x, x), add(g, x, x)].map(({ name }) => name))
    expect(names).toEqual(['language_model.layers.3.Add', 'language_model.layers.3.Add.1'])
    expect(add(g, x, x).name).toBe('Add')
  })

  it('comes back to the outer path after an error', () => {
    const g = new Graph()
    const failing = () => g.at('inner', () => g.fail('something', 'nothing'))
    expect(() => g.at('outer', () => expect(failing).toThrow('inner: expected something, found nothing'))).not.toThrow()
    expect(g.path).toBe('')
  })

  it('stores equal constants once, and constants of another type or shape apart', () => {
    const g = new Graph()
    const one = g.constant('float32', 'a', [2], Float32Array.of(1, 2))
    expect(g.constant('float32', 'a', [2], Float32Array.of(1, 2)).name).toBe(one.name)
    expect(g.constant('float32', 'a b', [2, 1], Float32Array.of(1, 2)).name).not.toBe(one.name)
    expect(g.constant('float32', 'a', [2], Float32Array.of(1, 3)).name).not.toBe(one.name)
    expect(g.constant('int32', 'a', [2], Int32Array.of(1, 2)).name).not.toBe(one.name)
  })

  it('copies constants', () => {
    const g = new Graph()
    const data = Uint8Array.of(65, 66)
    g.constant('uint8', 'a', [2], data)
    const before = g.encode()
    data.fill(0)
    expect(g.encode()).toEqual(before)
  })

  it('refuses a constant whose data do not fit its shape', () => {
    expect(() => new Graph().constant('float32', 'a', [3], Float32Array.of(1, 2))).toThrow(
      'graph: expected a constant of 12 bytes for float32 [3], found 8 bytes',
    )
  })

  it('refuses another number of axes than sizes', () => {
    expect(() => new Graph().input('x', 'float32', 'b t d', ['b', 't'])).toThrow('axes "b t d", found [b, t]')
  })

  it('keeps weights in their files', () => {
    const g = new Graph()
    const file = { file: 'model.safetensors', offset: 1234, bytes: 24 }
    const weight = g.stored('norm.weight', 'd', { dtype: 'float32', shape: [6], ...file })
    expect(weight).toEqual({ name: 'norm.weight', dtype: 'float32', shape: [6] })
    expect(textOf(g)).toMatch(/norm\.weight.*location.*model\.safetensors.*offset.*1234.*length.*24/s)
  })

  it('finds the length of a symbolic size once, at an input that has it', () => {
    const g = new Graph()
    g.input('ids', 'int32', 'b t', ['b', 't'])
    expect(g.lengthOf('t').name).toBe('shape.Shape')
    expect(g.lengthOf('t').name).toBe('shape.Shape')
    expect(() => g.lengthOf('s')).toThrow('graph: expected a size of an input, found s')
  })

  it('builds a shared value once, whoever asks', () => {
    const g = new Graph()
    const x = g.input('x', 'float32', 'b', ['b'])
    const twice = () => g.shared('twice x', () => add(g, x, x))
    expect(twice().name).toBe(twice().name)
    expect(g.shared('x and x', () => add(g, x, x)).name).not.toBe(twice().name)
  })

  it('lists what depends on weights alone before the rest', () => {
    const g = new Graph()
    const slice = { file: 'model.safetensors', offset: 0, bytes: 24 }
    const x = g.input('x', 'float32', 'd', [6])
    const y = g.at('late', () => add(g, x, x))
    const weight = g.stored('w', 'd', { dtype: 'float32', shape: [6], ...slice })
    const gain = g.at('early', () => add(g, weight, weight))
    g.output(
      'y',
      g.at('last', () =>
        add(
          g,
          y,
          g.at('early', () => add(g, gain, gain)),
        ),
      ),
    )
    const places = ['early.Add', 'early.Add.1', 'late.Add', 'last.Add'].map((name) => textOf(g).indexOf(name))
    expect(places).toEqual(places.toSorted((a, b) => a - b))
    expect(places).not.toContain(-1)
  })

  it('works out sizes at run time only where Reshape cannot', () => {
    const g = new Graph()
    const x = g.input('x', 'float32', 'b t d', ['b', 't', 6])
    const flat = reshape(g, x, 'r d', ['b*t', 6])
    g.output('flat', flat)
    expect(textOf(g)).not.toContain('Shape')
    const again = reshape(g, flat, 'b t d', ['b', 't', 6])
    expect(again.shape).toEqual(['b', 't', 6])
    g.output('again', again)
    expect(textOf(g)).toContain('Concat')
  })

  it('multiplies sizes', () => {
    const g = new Graph()
    g.input('x', 'float32', 'b t', ['b', 't'])
    const size = sizeOf(g, '4096*b')
    expect(size.shape).toEqual([1])
    g.output('size', size)
    expect(textOf(g)).toContain('Mul')
  })

  it('leaves out what no output needs', () => {
    const g = new Graph()
    const x = g.input('x', 'float32', 'b', ['b'])
    g.output('y', add(g, x, x))
    multiply(g, x, x)
    expect(textOf(g)).not.toContain('Mul')
  })

  it('chooses between values of one type and shape', () => {
    const g = new Graph()
    const [x, y] = [g.input('x', 'float32', 'b', ['b']), g.input('y', 'float32', 'c', ['c'])]
    const condition = g.input('condition', 'bool', '', [])
    const chosen = g.choose(condition, add(g, x, x), multiply(g, x, x))
    expect(chosen).toMatchObject({ dtype: 'float32', shape: ['b'] })
    expect(() => g.choose(condition, x, named(y))).toThrow('expected a choice of shape [b], found [c]')
    expect(() => g.choose(condition, x, cast(g, x, 'int32'))).toThrow('expected a choice of float32, found int32')
  })

  it('knows the call that made a value', () => {
    const g = new Graph()
    const x = g.input('x', 'float32', 'b', ['b'])
    expect(g.callOf(add(g, x, x))).toMatchObject({ op: 'Add', inputs: [x, x] })
    expect(g.callOf(x)).toBeUndefined()
  })
})
