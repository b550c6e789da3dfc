/** What a prompt costs whose front is known: `node test/bench/prefix-cache.ts --help`. */
import { loadavg } from 'node:os'
import { integerOption, requiredOption } from '@loupe/gpu-worker/src/cli/command.ts'
import { BatchEngine } from '@loupe/gpu-worker/src/engine/batch-engine.ts'
import { blockTokens, PrefixBlocks } from '@loupe/gpu-worker/src/prefix/prefix-blocks.ts'
import { createSampler, type Gemma3VLModel, type SequencePool } from '@loupe/model'
import { loadGemma3VL } from '@loupe/model/node'
import { createRandom } from '../loupe-tiny/random.ts'
import { timeAnswer, UNWATCHED } from './engine-answer.ts'
import { runScript } from './script.ts'
import { median } from './timing.ts'

/** What comes behind the front that is known: a question. */
const NEW_TOKENS = 20
const CACHE_BYTES = 2 ** 30

await runScript({
  summary: 'prefix-cache: time to the first token of a prompt that is new, and of one whose front is known',
  help: `
usage: node test/bench/prefix-cache.ts --model PATH [--tokens N] [--rounds N] [--threads N]

New and known take turns, each behind other words. Put and take: the time to copy the front out of a sequence and back.

  --model PATH  a checkpoint or a GGUF
  --tokens N    of the front (default: 1000)
  --rounds N    of each kind (default: 5)
  --threads N   of a run (default: 2)`,
  options: {
    model: { type: 'string' },
    tokens: { type: 'string' },
    rounds: { type: 'string' },
    threads: { type: 'string' },
  },
  async run(args, { stdout, signal }) {
    const tokens = integerOption(args, 'tokens', 1000, [100, 100_000])
    const rounds = integerOption(args, 'rounds', 5, [1, 100])
    const threads = integerOption(args, 'threads', 2, [1, 64])
    using model = await loadGemma3VL(requiredOption(args, 'model'), { threads, signal })
    const { known, fresh } = await timePrompts(model, { tokens, rounds, signal })
    const copies = await timeCopies(model, { tokens, rounds, signal })
    const prompt = median(fresh)
    const share = (ms: number) => `${ms.toFixed(1)} ms (${((100 * ms) / prompt).toFixed(1)} %)`
    stdout.write(`| front | new prompt | known front | put | take | load |\n| --- | --- | --- | --- | --- | --- |\n`)
    stdout.write(`| ${tokens} tokens | ${prompt.toFixed(0)} ms | ${share(median(known))} | `)
    stdout.write(`${share(median(copies.put))} | ${share(median(copies.take))} | ${loadavg()[0]?.toFixed(1)} |\n`)
  },
})

interface Measure {
  readonly tokens: number
  readonly rounds: number
  readonly signal: AbortSignal
}

async function timePrompts(model: Gemma3VLModel, { tokens, rounds, signal }: Measure) {
  const { config } = model
  const engine = new BatchEngine({
    pool: model.openPool({ slots: 1, capacityTokens: tokens + NEW_TOKENS + 1 }),
    imageTokenId: config.imageTokenId,
    limits: { requests: 1, requestsPerTenant: 1, tokens: 0 },
    chunkTokens: 320,
    prefixes: new PrefixBlocks({
      capacityBytes: CACHE_BYTES,
      blockTokens: blockTokens(config.text.slidingWindow),
      imageTokenId: config.imageTokenId,
    }),
    monitor: UNWATCHED,
    now: () => performance.now(),
  })
  const ask = async (front: Int32Array, seed: number) => {
    const question = {
      inputIds: Int32Array.from([...front, ...words(seed, NEW_TOKENS)]),
      samplers: [createSampler({ temperature: 0, topK: 0, topP: 1, seed: 0 })],
      stop: { eosTokenIds: [], maxTokens: 1 },
    }
    return (await timeAnswer(engine, question, signal)).firstTokenMs
  }
  const times = { fresh: [] as number[], known: [] as number[] }
  for (let round = 0; round <= rounds; round++) {
    const front = words(round, tokens)
    times.fresh.push(await ask(front, round + 1000))
    times.known.push(await ask(front, round + 2000))
  }
  await engine.close(new Error('measured'))
  return { fresh: times.fresh.slice(1), known: times.known.slice(1) }
}

/** What it takes to copy a front out of a sequence, and into another. */
async function timeCopies(model: Gemma3VLModel, { tokens, rounds, signal }: Measure) {
  using pool: SequencePool = model.openPool({ slots: 1, capacityTokens: tokens, partTokens: tokens })
  const size = blockTokens(model.config.text.slidingWindow)
  const times = { put: [] as number[], take: [] as number[] }
  await pool.prefill(0, words(1, tokens), [], { signal })
  for (let round = 0; round <= rounds; round++) {
    const startedMs = performance.now()
    const starts = Array.from({ length: Math.floor(tokens / size) }, (_, block) => block * size)
    const saved = starts.map((from) => pool.save(0, from, from + size))
    const savedMs = performance.now()
    pool.truncate(0, 0)
    pool.restore(0, saved)
    times.put.push(savedMs - startedMs)
    times.take.push(performance.now() - savedMs)
  }
  return { put: times.put.slice(1), take: times.take.slice(1) }
}

/** Ids of ordinary pieces, other ones for every seed. */
function words(seed: number, count: number): Int32Array {
  const random = createRandom(seed)
  return Int32Array.from({ length: count }, () => random.integer(1000, 6000))
}
