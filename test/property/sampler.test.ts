import { createSampler, type SamplingParams } from '@loupe/model'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

const logits = fc
  .array(fc.float({ min: -20, max: 20, noNaN: true }), { minLength: 1, maxLength: 400, size: 'max' })
  .map((row) => Float32Array.from(row))
/** Whole numbers, so that many tie. */
const tiedLogits = fc
  .array(fc.integer({ min: -3, max: 3 }), { minLength: 1, maxLength: 400, size: 'max' })
  .map((row) => Float32Array.from(row))

const params: fc.Arbitrary<SamplingParams> = fc.record({
  temperature: fc.double({ min: 0.05, max: 3, noNaN: true }),
  topK: fc.nat(100),
  topP: fc.double({ min: 0, max: 1, noNaN: true }),
  seed: fc.maxSafeInteger(),
})

describe('a sampler', () => {
  it('never leaves the k likeliest tokens and those that tie with the k-th', () => {
    fc.assert(
      fc.property(fc.oneof(logits, tiedLogits), params, fc.nat(), (row, settings, position) => {
        const { id } = createSampler(settings).next(row, position)
        const higher = row.filter((logit) => logit > (row[id] ?? 0)).length
        if (settings.topK > 0) {
          // Dividing by the temperature may round the k-th and its neighbours to one number.
          const near = row.filter((logit) => Math.abs(logit - (row[id] ?? 0)) < 1e-4).length
          expect(higher).toBeLessThan(settings.topK + near)
        }
        expect(id).toBeLessThan(row.length)
      }),
    )
  })

  it('never leaves the likeliest tokens that hold the share p', () => {
    fc.assert(
      fc.property(logits, params, fc.nat(), (row, { topP, seed }, position) => {
        const { id } = createSampler({ temperature: 1, topK: 0, topP, seed }).next(row, position)
        const total = row.reduce((sum, logit) => sum + Math.exp(logit), 0)
        const likelier = row.reduce((sum, logit) => sum + (logit > (row[id] ?? 0) ? Math.exp(logit) : 0), 0)
        // The tokens above it do not hold the share yet; 1e-5 for float32.
        expect(likelier / total).toBeLessThan(Math.max(topP, 1e-9) + 1e-5)
      }),
    )
  })

  it('gives the same token for the same seed and position', () => {
    fc.assert(
      fc.property(logits, params, fc.nat(), (row, settings, position) => {
        const first = createSampler(settings).next(row, position)
        const used = createSampler(settings)
        used.next(row, position + 1)
        expect(used.next(row, position)).toEqual(first)
      }),
    )
  })

  it('is the argmax at temperature 0, at top-k 1 without ties, and at top-p 0', () => {
    const distinct = fc
      .uniqueArray(fc.integer({ min: -500, max: 500 }), { minLength: 1, maxLength: 300, size: 'max' })
      .map((row) => Float32Array.from(row, (value) => value / 25))
    fc.assert(
      fc.property(distinct, params, fc.nat(), (row, settings, position) => {
        const best = row.indexOf(Math.max(...row))
        for (const change of [{ temperature: 0 }, { temperature: 1, topK: 1 }, { temperature: 1, topP: 0 }]) {
          expect(createSampler({ ...settings, ...change }).next(row, position).id).toBe(best)
        }
      }),
    )
  })

  it('reports the log probability of the token in the softmax of the logits', () => {
    fc.assert(
      fc.property(logits, params, (row, settings) => {
        const { id, logprob } = createSampler(settings, { topLogprobs: 0 }).next(row, 0)
        const total = row.reduce((sum, logit) => sum + Math.exp(logit), 0)
        expect(logprob).toBeCloseTo(Math.log(Math.exp(row[id] ?? 0) / total), 6)
      }),
    )
  })

  it.each([
    [{ temperature: 1, topK: 0, topP: 1 }, [0.4, 0.3, 0.2, 0.1]],
    [{ temperature: 1, topK: 2, topP: 1 }, [4 / 7, 3 / 7, 0, 0]],
    [{ temperature: 1, topK: 0, topP: 0.65 }, [4 / 7, 3 / 7, 0, 0]],
    [{ temperature: 0.5, topK: 0, topP: 1 }, [16 / 30, 9 / 30, 4 / 30, 1 / 30]],
    [{ temperature: 2, topK: 3, topP: 1 }, [0.4, 0.3, 0.2, 0].map((share) => Math.sqrt(share) / 1.62738)],
  ])('draws with the right frequencies: %j', (settings, shares) => {
    const row = Float32Array.of(0.4, 0.3, 0.2, 0.1).map(Math.log)
    const sampler = createSampler({ ...settings, seed: 2026 })
    const draws = 20_000
    const counts = [0, 0, 0, 0]
    for (let position = 0; position < draws; position++) {
      const { id } = sampler.next(row, position)
      counts[id] = (counts[id] ?? 0) + 1
    }
    const chiSquare = shares.reduce((sum, share, id) => {
      if (share === 0) return sum + (counts[id] ?? 0) * draws
      return sum + ((counts[id] ?? 0) - share * draws) ** 2 / (share * draws)
    }, 0)
    // At most 3 degrees of freedom; 16.3 is passed once in a thousand.
    expect(chiSquare).toBeLessThan(16.3)
  })
})
