import { describe, expect, it } from 'vitest'
import { AgreementTally } from './quality-agreement.ts'

/** Logits of probabilities, moved by a constant that no distribution notices. */
const logitsOf = (shift: number, ...probabilities: number[]) =>
  Float32Array.from(probabilities, (probability) => Math.log(probability) + shift)

describe('AgreementTally', () => {
  it('sums KL(reference || found) in nats, and not the other way round', () => {
    const tally = new AgreementTally()
    const [reference, found] = [logitsOf(50, 0.5, 0.25, 0.25), logitsOf(-50, 0.25, 0.5, 0.25)]
    tally.addLogits({ reference, found, tokens: 1 })
    tally.addLogits({ reference, found: reference, tokens: 1 })
    const { tokens, meanKl, worstKl, sameTop } = tally.result
    // 0.5 ln 2 - 0.25 ln 2
    expect(worstKl).toBeCloseTo(0.25 * Math.LN2, 5)
    expect(meanKl).toBeCloseTo(0.125 * Math.LN2, 5)
    expect([tokens, sameTop]).toEqual([2, 0.5])

    const skewed = new AgreementTally()
    skewed.addLogits({ reference: logitsOf(0, 0.9, 0.1), found: logitsOf(0, 0.5, 0.5), tokens: 1 })
    expect(skewed.result.meanKl).toBeCloseTo(0.9 * Math.log(1.8) + 0.1 * Math.log(0.2), 6)
  })

  it('measures the loss of what really follows, and how sure it is of the change', () => {
    const tally = new AgreementTally()
    const reference = Float32Array.of(...logitsOf(3, 0.5, 0.5), ...logitsOf(3, 0.5, 0.5))
    const found = Float32Array.of(...logitsOf(1, 0.25, 0.75), ...logitsOf(1, 0.5, 0.5))
    tally.addLogits({ reference, found, tokens: 2, targets: [0, 1] })
    const { loss, worstLogit, answers } = tally.result
    expect(loss?.perplexity).toBeCloseTo(Math.sqrt(8), 5)
    expect(loss?.change).toBeCloseTo(Math.LN2 / 2, 5)
    expect(loss?.standardError).toBeCloseTo(Math.LN2 / 2 / Math.SQRT2, 5)
    expect(worstLogit).toBeCloseTo(2 + Math.LN2, 5)
    expect(answers).toBeUndefined()
  })

  it('takes an answer for right only if each of its tokens is the likeliest', () => {
    const tally = new AgreementTally()
    const logits = Float32Array.of(...logitsOf(0, 0.9, 0.1), ...logitsOf(0, 0.1, 0.9))
    const said = { reference: logits, found: logits, tokens: 2, isAnswer: true }
    tally.addLogits({ ...said, targets: [0, 1] })
    tally.addLogits({ ...said, targets: [0, 0] })
    expect(tally.result.answers).toEqual({ asked: 2, right: 1 })
  })

  it('compares image features one by one', () => {
    const tally = new AgreementTally()
    tally.addFeatures(Float32Array.of(1, 0, 3, 4), Float32Array.of(2, 0, 4, 3), 2)
    const { features, loss } = tally.result
    expect(features?.meanCosine).toBeCloseTo(0.98, 6)
    expect(features?.worstCosine).toBeCloseTo(0.96, 6)
    expect(loss).toBeUndefined()
  })
})
