import { describe, expect, it } from 'vitest'
import { MetricRegistry, renderMetrics } from './registry.ts'

describe('MetricRegistry', () => {
  it('writes the text format', () => {
    const registry = new MetricRegistry({ model_name: 'a "b"\\' })
    registry.counter('x:hits_total', 'Hits.').add(2)
    registry.gauge('x:load', 'Load.', () => 0.5)
    const label = 'model_name="a \\"b\\"\\\\"'
    expect(renderMetrics([registry])).toBe(
      [
        '# HELP x:hits_total Hits.',
        '# TYPE x:hits_total counter',
        `x:hits_total{${label}} 2`,
        '# HELP x:load Load.',
        '# TYPE x:load gauge',
        `x:load{${label}} 0.5`,
        '',
      ].join('\n'),
    )
  })

  it('names a metric once, however many models have it', () => {
    const registries = ['a', 'b'].map((model) => new MetricRegistry({ model }))
    for (const registry of registries) {
      registry.counter('x:hits_total', 'Hits.').add()
      registry.gauge('x:load', 'Load.', () => 0)
    }
    expect(renderMetrics(registries).split('\n')).toEqual([
      '# HELP x:hits_total Hits.',
      '# TYPE x:hits_total counter',
      'x:hits_total{model="a"} 1',
      'x:hits_total{model="b"} 1',
      '# HELP x:load Load.',
      '# TYPE x:load gauge',
      'x:load{model="a"} 0',
      'x:load{model="b"} 0',
      '',
    ])
  })

  it('counts a duration in every bucket that holds it', () => {
    const registry = new MetricRegistry({})
    const times = registry.histogram('t', 'T.', [0.1, 1])
    for (const seconds of [0.05, 0.1, 0.5, 3]) times.observe(seconds)
    const lines = renderMetrics([registry]).split('\n')
    expect(lines.slice(2, 7)).toEqual([
      't_bucket{le="0.1"} 2',
      't_bucket{le="1"} 3',
      't_bucket{le="+Inf"} 4',
      't_sum 3.65',
      't_count 4',
    ])
  })
})
