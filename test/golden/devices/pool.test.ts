/** Pools over the graphs of devices, run by a CPU where it has the operators. */
import type { Gemma3VLModel } from '@loupe/model'
import { OrtRuntime } from '@loupe/model/runtime'
import { describe, expect, it } from 'vitest'
import { caseDirectory } from '../vl/golden-case.ts'
import { expectCode, PoolStreams } from '../vl/pool-streams.ts'
import { tokenStream } from '../vl/token-stream.ts'
import { modelWith, openCheckpoint } from './device-model.ts'
import { CPU_POLICY, type DTypePolicy } from './model-internals.ts'

async function modelOf(policy: Partial<DTypePolicy>): Promise<Gemma3VLModel> {
  const checkpoint = await openCheckpoint(caseDirectory('image-first-long-text'))
  return modelWith(checkpoint, new OrtRuntime({ threads: 1 }), { ...CPU_POLICY, attention: 'causal', ...policy })
}

async function playOf(model: Gemma3VLModel): Promise<PoolStreams> {
  const play = new PoolStreams(model, { slots: 3, capacityTokens: 100, partTokens: 8 })
  for (const [slot, pictures] of [[3, 30], [], [10]].entries()) {
    play.join(slot, await tokenStream(model, slot, 100, pictures))
    await play.advance(slot, 20 + 9 * slot)
  }
  return play
}

describe('an operator that knows causality and the window', () => {
  it('decodes sequences of different lengths as one batch, past the window', async () => {
    using model = await modelOf({})
    using play = await playOf(model)
    for (let step = 0; step < 60; step++) await play.decode(...[2, 0, 1].filter((slot) => play.isText(slot)))
    await play.advance(0, 30)
  })
})

describe('an operator that takes slots for positions', () => {
  it('has every token where it was, and decodes one sequence after the other', async () => {
    using model = await modelOf({ fuses: 'rotary' })
    using play = await playOf(model)
    for (let step = 0; step < 40; step++) await play.decode(...[2, 0, 1].filter((slot) => play.isText(slot)))
    // Whatever is far back can be gone back to.
    play.pool.truncate(1, 15)
    await play.advance(1, 30)
    const { pool } = play
    const moves = [() => pool.copy(0, 1), () => pool.save(0, 0, 9), () => pool.restore(0, []), () => pool.copyOut(0)]
    for (const move of moves) await expectCode(move, 'request.unsupported', /a cache in host memory/)
    expect(pool.lengthTokens(1)).toBe(45)
  })
})
