import { describe, expect, it } from 'vitest'
import { liveHandles } from '../runtime/handle.ts'
import { embeddedModelDirectory } from './embedded-model.ts'
import { loadGemma3VL } from './load-gemma3-vl.ts'

const SLOTS = 5
const ids = (count: number) => Int32Array.from({ length: count }, (_, index) => 200 + index)

describe('a pool', () => {
  it('binds a bounded number of rows, whoever decodes with whom, and frees everything', async () => {
    using model = await loadGemma3VL(embeddedModelDirectory(), { threads: 1 })
    const before = liveHandles()
    {
      using pool = model.openPool({ slots: SLOTS, capacityTokens: 100 })
      for (let slot = 0; slot < SLOTS; slot++) await pool.prefill(slot, ids(66), [])
      /** Decodes every run of slots, 15 in all. @returns the most handles at any time */
      const decodeAll = async () => {
        let most = 0
        for (let first = 0; first < SLOTS; first++) {
          for (let end = first + 1; end <= SLOTS; end++) {
            const slots = Array.from({ length: end - first }, (_, index) => first + index)
            await pool.decode(slots, ids(slots.length))
            most = Math.max(most, liveHandles())
          }
        }
        return most
      }
      const bound = await decodeAll()
      expect(await decodeAll()).toBeLessThanOrEqual(bound)
      // A set of rows has keys and values of every layer, and some inputs; ten of them stay bound.
      expect(bound - before).toBeLessThan(12 * (2 * model.config.text.layers + 8))
    }
    // The session, which was loaded with the first step, is the model's.
    expect(liveHandles()).toBe(before + 1)
  })
})
