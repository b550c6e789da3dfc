/** The generator of the class against the greedy ids of the reference. */
import { createSampler, type GenerateRequest } from '@loupe/model'
import { loadGemma3VL, loadPipeline } from '@loupe/model/node'
import { describe, expect, it } from 'vitest'
import { type GoldenCase, readCase } from './golden-case.ts'

async function collect(answer: AsyncGenerator<number, string, void>): Promise<[ids: number[], reason: string]> {
  const ids: number[] = []
  for (;;) {
    const { value, done } = await answer.next()
    if (done) return [ids, String(value)]
    ids.push(Number(value))
  }
}

function promptOf(golden: GoldenCase): GenerateRequest {
  const pixelValues = Uint8Array.from(golden.patches.flatMap((picture) => [...picture]))
  return { inputIds: golden.inputIds, ...(pixelValues.length === 0 ? {} : { pixelValues }) }
}

/** The reference went on over end tokens; an answer does not. */
const untilEnd = (ids: readonly number[], ends: readonly number[]) => {
  const end = ids.findIndex((id) => ends.includes(id))
  return end < 0 ? [[...ids], 'length'] : [ids.slice(0, end), 'stop']
}

describe.each(['two-images', 'text-only', 'image-first-long-text'] as const)('%s', (name) => {
  it('is continued as by the reference, whole and in stages', async () => {
    const golden = await readCase(name)
    const [greedy = []] = golden.greedyIds
    using whole = await loadGemma3VL(golden.directory, { threads: 1 })
    using pipeline = await loadPipeline(golden.directory, { stages: 3, threads: 1 })
    const request = { ...promptOf(golden), maxTokens: greedy.length, sampling: { temperature: 0 } }
    const expected = untilEnd(greedy, whole.generationConfig.eosTokenIds)
    expect(await collect(whole.generate(request))).toEqual(expected)
    expect(await collect(pipeline.generate(request))).toEqual(expected)
  })
})

describe('generate', () => {
  it('ends before a stop token, at the most tokens, and where the loop is left', async () => {
    const golden = await readCase('text-only')
    using model = await loadGemma3VL(golden.directory, { threads: 1 })
    const greedy = golden.greedyIds[0] ?? []
    const [first = -1] = greedy
    const later = greedy.findIndex((id) => id !== first)
    expect(later).toBeGreaterThan(0)
    const request = { ...promptOf(golden), maxTokens: greedy.length, sampling: { temperature: 0 } }
    const stopped = { ...request, stopTokenIds: [greedy[later] ?? -1] }
    expect(await collect(model.generate(stopped))).toEqual([greedy.slice(0, later), 'stop'])
    expect(await collect(model.generate({ ...request, maxTokens: 1 }))).toEqual([[first], 'length'])
    for await (const id of model.generate({ ...request, maxTokens: 100 })) {
      expect(id).toBe(first)
      break
    }
  })

  it('draws as the seed says, and as the generation config where nothing is said', async () => {
    const golden = await readCase('text-only')
    using model = await loadGemma3VL(golden.directory, { threads: 1 })
    const request = { ...promptOf(golden), maxTokens: 8 }
    const drawn = async (seed: number) => collect(model.generate({ ...request, sampling: { temperature: 2, seed } }))
    expect(await drawn(1)).toEqual(await drawn(1))
    expect(await drawn(1)).not.toEqual(await drawn(2))
    const { doSample, temperature, topK, topP } = model.generationConfig
    const sampler = createSampler({ temperature: doSample ? temperature : 0, topK, topP, seed: 5 })
    using sequence = model.startSequence({ capacityTokens: golden.tokens })
    const { id } = sampler.next(await sequence.prefill(golden.inputIds, []), 0)
    const [ids] = await collect(model.generate({ ...request, maxTokens: 1, sampling: { seed: 5 } }))
    expect(ids).toEqual([id])
  })

  it('never chooses a place for a picture, or an id beyond the limit', async () => {
    const golden = await readCase('text-only')
    using model = await loadGemma3VL(golden.directory, { threads: 1 })
    const request = { ...promptOf(golden), maxTokens: 40, sampling: { temperature: 100, topK: 0, topP: 1, seed: 3 } }
    const [ids] = await collect(model.generate({ ...request, vocabLimit: 20 }))
    expect(ids.length).toBeGreaterThan(0)
    expect(Math.max(...ids)).toBeLessThan(20)
    const { imageTokenId } = model.config
    expect(imageTokenId).toBe(310)
    const [all] = await collect(model.generate({ ...request, maxTokens: 400 }))
    expect(all).not.toContain(imageTokenId)
  })

  it('refuses what does not fit', async () => {
    const golden = await readCase('two-images')
    using model = await loadGemma3VL(golden.directory, { threads: 1 })
    const { inputIds } = golden
    const refusal = (request: GenerateRequest, code: string) =>
      expect(collect(model.generate(request))).rejects.toMatchObject({ code })
    await refusal({ inputIds }, 'image.count_mismatch')
    await refusal({ inputIds, pixelValues: golden.patches[0] ?? new Uint8Array() }, 'image.count_mismatch')
    await refusal({ inputIds: new Int32Array(600).fill(5) }, 'prompt.too_long')
    await refusal({ inputIds: new Int32Array() }, 'prompt.invalid')
    await refusal({ ...promptOf(golden), maxTokens: 0 }, 'request.invalid')
    await refusal({ ...promptOf(golden), sampling: { topP: 2 } }, 'request.invalid')
    await refusal({ ...promptOf(golden), signal: AbortSignal.abort() }, 'request.cancelled')
  })

  it('answers with what room there is', async () => {
    const { directory } = await readCase('text-only')
    using model = await loadGemma3VL(directory, { threads: 1 })
    const inputIds = new Int32Array(510).fill(5)
    const [ids, reason] = await collect(model.generate({ inputIds, sampling: { temperature: 0 } }))
    expect([ids.length <= 2, ['length', 'stop'].includes(reason)]).toEqual([true, true])
  })
})
