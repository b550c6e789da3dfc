import { describe, expect, it } from 'vitest'
import { startCrowdedWorker } from './crowded-worker.ts'
import { runLoad } from './run-load.ts'

describe('a worker that more people use than it has room for', () => {
  it('answers each as if nobody else were there, and refuses with 429', async () => {
    await using worker = await startCrowdedWorker()
    const tally = await runLoad(worker, { users: 32, seconds: 3, questions: 5 })
    expect(tally.faults).toEqual([])
    expect(tally.answered).toBeGreaterThan(0)
    expect(tally.cancelled).toBeGreaterThan(0)
    expect(tally.refused).toBeGreaterThan(0)
  })
})
