import { describe, expect, it } from 'vitest'
import { memoryDatabase } from '../testing/memory-shelf.ts'
import { BatchLedger, type BatchStep } from './batch-ledger.ts'

const LIMITS = { parallelLines: 2, leaseMs: 100, quietMs: 50 }

function ledgerOf(lines: number) {
  const clock = { nowMs: 1000 }
  const ledger = new BatchLedger(memoryDatabase(), LIMITS, () => clock.nowMs)
  const request = { input_file_id: 'f', endpoint: '/v1/embeddings', completion_window: '24h' } as const
  ledger.create({
    id: 'b',
    tenant: 't',
    keyId: undefined,
    request,
    createdMs: 1000,
    expiresMs: 90_000,
    outputId: 'o',
    errorId: 'e',
  })
  const { attempt } = expectStep(ledger.claim('b'), 'validate')
  const places = Array.from({ length: lines }, (_, at) => ({ line: at + 1, offset: at, length: 1, customId: `c${at}` }))
  expect(ledger.addLines('b', attempt, places)).toBe(true)
  ledger.validated('b', attempt, [])
  return { ledger, clock }
}

function expectStep<T extends BatchStep['do']>(step: BatchStep, name: T): BatchStep & { do: T } {
  expect(step.do).toBe(name)
  return step as BatchStep & { do: T } // as it was just seen
}

const ok = { isOk: true, json: '{}' }

describe('BatchLedger', () => {
  it('gives a line to one at a time, and to no more than are allowed', () => {
    const { ledger } = ledgerOf(5)
    const taken = [ledger.claim('b'), ledger.claim('b')].map((step) => expectStep(step, 'run').line.line)
    expect(taken).toEqual([1, 2])
    expect(ledger.claim('b')).toEqual({ do: 'nothing' })
  })

  it('gives a line to another when who had it is silent, and does not hear the first any more', () => {
    const { ledger, clock } = ledgerOf(1)
    const first = expectStep(ledger.claim('b'), 'run')
    clock.nowMs += 99
    ledger.renew('b', first.attempt)
    clock.nowMs += 99
    expect(ledger.claim('b')).toEqual({ do: 'nothing' })
    clock.nowMs += 1
    const second = expectStep(ledger.claim('b'), 'run')
    expect(second.line).toEqual({ ...first.line, tries: 1 })
    expect(ledger.finish('b', first.attempt, ok)).toBe(false)
    expect(ledger.finish('b', second.attempt, ok)).toBe(true)
    expect(ledger.finish('b', second.attempt, ok)).toBe(false)
    expect(ledger.page('b', 'answered', 0)).toEqual([{ line: 1, customId: 'c0', json: '{}' }])
    expect(ledger.get('b')?.request_counts).toEqual({ total: 1, completed: 1, failed: 0 })
  })

  it('pauses when lines cannot be answered, longer each time, and not for each of them', () => {
    const { ledger, clock } = ledgerOf(3)
    const waits = [1, 2, 3].map(() => {
      const steps = [ledger.claim('b'), ledger.claim('b')].map((step) => expectStep(step, 'run'))
      for (const { attempt } of steps) ledger.release('b', attempt, false)
      const { ms } = expectStep(ledger.claim('b'), 'wait')
      clock.nowMs += ms
      return ms
    })
    expect(waits).toEqual([250, 500, 1000])
    ledger.finish('b', expectStep(ledger.claim('b'), 'run').attempt, ok)
    expectStep(ledger.claim('b'), 'run')
  })

  it('ends when all lines have, once, and again when who wrote the files has died', () => {
    const { ledger, clock } = ledgerOf(1)
    ledger.finish('b', expectStep(ledger.claim('b'), 'run').attempt, ok)
    const lost = expectStep(ledger.claim('b'), 'finalize')
    expect(ledger.claim('b')).toEqual({ do: 'nothing' })
    clock.nowMs += 100
    const next = expectStep(ledger.claim('b'), 'finalize')
    ledger.finalized('b', lost.attempt, { hasOutput: false, hasErrors: false })
    expect(ledger.get('b')?.status).toBe('finalizing')
    ledger.finalized('b', next.attempt, { hasOutput: true, hasErrors: false })
    expect(ledger.get('b')).toMatchObject({ status: 'completed', output_file_id: 'o', error_file_id: null })
    expect(ledger.isBusy()).toBe(false)
    expect(ledger.page('b', 'answered', 0)).toEqual([{ line: 1, customId: 'c0', json: '' }])
  })

  it('names a batch that nobody works on, and does not pause', () => {
    const { ledger, clock } = ledgerOf(2)
    expect(ledger.quiet()).toEqual([])
    clock.nowMs += 50
    expect(ledger.quiet()).toEqual(['b'])
    const { attempt } = expectStep(ledger.claim('b'), 'run')
    expect(ledger.quiet()).toEqual([])
    ledger.release('b', attempt, false)
    clock.nowMs += 250 + 49
    expect(ledger.quiet()).toEqual([])
    clock.nowMs += 1
    expect(ledger.quiet()).toEqual(['b'])
  })

  it('waits for lines that are being answered when it is cancelled, and lets go of silent ones', () => {
    const { ledger, clock } = ledgerOf(3)
    const [first, second] = [expectStep(ledger.claim('b'), 'run'), expectStep(ledger.claim('b'), 'run')]
    expect(ledger.cancel('b')?.status).toBe('cancelling')
    expect(ledger.finish('b', first.attempt, ok)).toBe(true)
    expect(ledger.claim('b')).toEqual({ do: 'nothing' })
    clock.nowMs += 100
    const { attempt } = expectStep(ledger.claim('b'), 'finalize')
    expect(ledger.finish('b', second.attempt, ok)).toBe(false)
    ledger.finalized('b', attempt, { hasOutput: true, hasErrors: false })
    expect(ledger.get('b')).toMatchObject({
      status: 'cancelled',
      request_counts: { total: 3, completed: 1, failed: 0 },
    })
  })
})
