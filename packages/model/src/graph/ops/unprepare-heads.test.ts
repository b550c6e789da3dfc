import { describe, expect, it } from 'vitest'
import { Graph } from '../graph.ts'
import type { Value } from '../value.ts'
import { rotate } from './attend.ts'
import { reshape } from './layout.ts'
import { rmsNormalize } from './normalize.ts'
import { unprepareHeads } from './unprepare-heads.ts'

/** Two heads of four, normed and turned as a Gemma block does it. */
function bench() {
  const g = new Graph()
  const [rows, gain] = [g.input('rows', 'int64', 'b t', ['b', 't']), g.input('gain', 'float32', 'd', [4])]
  const table = {
    cosines: g.input('cosines', 'float32', 'r h', ['r', 2]),
    sines: g.input('sines', 'float32', 'r h', ['r', 2]),
  }
  const prepare = (x: Value<'b t nh'>, epsilon = 1e-6) => {
    const normed = rmsNormalize(g, reshape(g, x, 'b t n h', ['b', 't', 2, 4]), gain, epsilon)
    return rotate(g, reshape(g, normed, 'b t nh', ['b', 't', 8]), rows, table, 2)
  }
  const input = (name: string) => g.input(name, 'float32', 'b t nh', ['b', 't', 8])
  return { g, input, prepare }
}

describe('unprepareHeads', () => {
  it('leaves heads as they are when nothing is fused', () => {
    const { g, input } = bench()
    const [query, key] = [input('q'), input('k')]
    expect(unprepareHeads(g, { query, key }, 'nothing')).toMatchObject({ query, key, table: [], gains: [] })
  })

  it('goes back to before the rotation, or to before the norm', () => {
    const { g, input, prepare } = bench()
    const [query, key] = [input('q'), input('k')]
    const heads = { query: prepare(query), key: prepare(key) }
    const straight = unprepareHeads(g, heads, 'rotary')
    expect(g.callOf(straight.query)?.op).toBe('Reshape')
    expect(straight.table.map(({ name }) => name)).toEqual(['cosines', 'sines', 'rows'])
    expect(straight.gains).toEqual([])
    const raw = unprepareHeads(g, heads, 'norm and rotary')
    expect(raw).toMatchObject({ query, key, epsilon: 1e-6 })
    expect(raw.gains.map(({ name }) => name)).toEqual(['gain', 'gain'])
  })

  it('refuses heads that were made in another way', () => {
    const { g, input, prepare } = bench()
    const [query, key] = [input('q'), input('k')]
    const fuse = (heads: { query: typeof query; key: typeof key }) => () => unprepareHeads(g, heads, 'norm and rotary')
    expect(fuse({ query, key })).toThrow('expected what RotaryEmbedding made, found an input')
    expect(fuse({ query: prepare(query), key: prepare(key, 1e-5) })).toThrow(
      'expected one epsilon for queries and keys',
    )
  })
})
