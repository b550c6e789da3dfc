import { describe, expect, it } from 'vitest'
import { createStopCheck } from './stop.ts'

const GO_ON = { isEmitted: true, finishReason: undefined }
const STOP = { isEmitted: false, finishReason: 'stop' }

describe('createStopCheck', () => {
  it('stops at each of several end tokens', () => {
    const check = createStopCheck({ eosTokenIds: [1, 106], maxTokens: 10 })
    expect([1, 106, 107].map((id) => check(id, 0))).toEqual([STOP, STOP, GO_ON])
  })

  it('stops at the ids of the request as well', () => {
    const check = createStopCheck({ eosTokenIds: [1], stopTokenIds: [7], maxTokens: 10 })
    expect([1, 7].map((id) => check(id, 0))).toEqual([STOP, STOP])
  })

  it('goes on after an end token when told to, but not after a stop id', () => {
    const check = createStopCheck({ eosTokenIds: [1, 7], stopTokenIds: [7], ignoreEos: true, maxTokens: 10 })
    expect([1, 7].map((id) => check(id, 0))).toEqual([GO_ON, STOP])
  })

  it('emits the token that reaches the longest length', () => {
    const check = createStopCheck({ eosTokenIds: [1], maxTokens: 3 })
    expect([0, 1, 2].map((emitted) => check(5, emitted).finishReason)).toEqual([undefined, undefined, 'length'])
    expect(check(5, 2).isEmitted).toBe(true)
  })

  it('says stop, not length, when the last token is an end token', () => {
    expect(createStopCheck({ eosTokenIds: [1], maxTokens: 1 })(1, 0)).toEqual(STOP)
  })
})
