import { loadGemma3VL } from '@loupe/model/node'
import { AppError } from '@loupe/shared/errors'
import { askEngine, serveModel } from './bench-engine.ts'
import { shareRow } from './bench-row.ts'
import type { BenchModel, BenchRows, BenchSettings } from './bench-settings.ts'
import { promptIds } from './peer-llama-measures.ts'

const PREFIX_TOKENS = 1000
const QUESTION_TOKENS = 16
const MOST_TURNS = 3

/** Time to the first token behind a prompt of 1,000 tokens that is new, and behind one that the engine has seen. */
export async function* benchCache(of: BenchModel, settings: BenchSettings): BenchRows {
  settings.tell(`${of.size}: cached prefix`)
  const { threads, folder, rounds } = settings
  using model = await loadGemma3VL(of.path, { threads, cacheDirectory: folder })
  const served = serveModel(of.size, model, { slots: 1, slotTokens: 2048 })
  try {
    const turns: [number, number][] = []
    await askEngine(served, { inputIds: promptIds(QUESTION_TOKENS) })
    for (let turn = 0; turn < Math.min(rounds, MOST_TURNS); turn++) {
      settings.signal.throwIfAborted()
      // The tokens of another turn are another prefix.
      const prefix = promptIds(PREFIX_TOKENS).map((id, index) => (index === 0 ? id : id + turn + 1))
      const first = await askEngine(served, { inputIds: [...prefix, ...question(2 * turn)] })
      const again = await askEngine(served, { inputIds: [...prefix, ...question(2 * turn + 1)] })
      if (first.cachedTokens > 0 || again.cachedTokens < PREFIX_TOKENS * 0.9) {
        const found = `${first.cachedTokens}, then ${again.cachedTokens}`
        throw new AppError(
          'runtime.failed',
          `Expected a new prompt and then one that is cached, found ${found} tokens.`,
        )
      }
      turns.push([first.tokensMs[0] ?? Number.NaN, again.tokensMs[0] ?? Number.NaN])
    }
    const measure = `first token behind ${PREFIX_TOKENS} cached`
    yield shareRow({ model: of.size, measure, against: 'new', unit: 'ms', wanted: '10 %' }, turns)
  } finally {
    await served.engine.close(new AppError('request.cancelled'))
  }
}

function question(seed: number): number[] {
  return Array.from({ length: QUESTION_TOKENS }, (_, index) => 50_000 + 100 * seed + index)
}
