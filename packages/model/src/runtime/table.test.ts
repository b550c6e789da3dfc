import { describe, expect, it } from 'vitest'
import { ACTIONS, API_VERSION, GETTERS, RELEASES, STATUS } from './table.ts'
import { ANCHORS, API_ORDER } from './testing/api-order.ts'

describe('the table of the C API', () => {
  it('is derived from an order that has every anchor in its slot', () => {
    expect(API_ORDER).toHaveLength(412)
    expect(new Set(API_ORDER).size).toBe(412)
    for (const [name, slot] of Object.entries(ANCHORS)) expect(API_ORDER[slot]).toBe(name)
  })

  it('has every function in its slot', () => {
    for (const [name, [slot]] of Object.entries({ ...ACTIONS, ...GETTERS, ...RELEASES, ...STATUS }))
      expect(API_ORDER[slot], name).toBe(name)
  })

  it('asks for an API version that has the newest function it calls', () => {
    const newest = Math.max(...Object.values({ ...ACTIONS, ...GETTERS, ...RELEASES }).map(([slot]) => slot))
    // GetEpApi is the last member of version 22, SetEpDynamicOptions of version 20.
    expect(API_VERSION).toBe(22)
    expect(newest).toBeLessThanOrEqual(API_ORDER.indexOf('GetEpApi'))
    expect(newest).toBeGreaterThan(API_ORDER.indexOf('SetEpDynamicOptions'))
  })
})
