/** What choosing a token costs: `node test/bench/sampling.ts --help`. */
import { cpus, loadavg } from 'node:os'
import { integerOption } from '@loupe/gpu-worker/src/cli/command.ts'
import { createSampler, type SamplerOptions, type SamplingParams, type TokenConstraint } from '@loupe/model'
import { runScript } from './script.ts'
import { median } from './timing.ts'

const PLAIN: SamplingParams = { temperature: 1, topK: 0, topP: 1, seed: 1 }
const GREEDY = { ...PLAIN, temperature: 0 }
const GEMMA = { ...PLAIN, topK: 64, topP: 0.95 }
const ROWS = 5

interface Case {
  readonly name: string
  readonly params: SamplingParams
  readonly options?: SamplerOptions
  /** Spread of the logits: a small one has no likely tokens. */
  readonly spread?: number
}

function casesOf(vocabulary: number): readonly Case[] {
  const promptIds = new Set(Array.from({ length: 2000 }, (_, at) => (at * 7919) % vocabulary))
  const penalties = { repetitionPenalty: 1.1, presencePenalty: 0.5, frequencyPenalty: 0.5 }
  return [
    { name: 'greedy', params: GREEDY },
    { name: 'greedy, log probability', params: GREEDY, options: { topLogprobs: 0 } },
    { name: 'greedy, 20 likeliest', params: GREEDY, options: { topLogprobs: 20 } },
    { name: 'top-k 64, top-p 0.95', params: GEMMA },
    { name: 'the same at temperature 0.7', params: { ...GEMMA, temperature: 0.7 } },
    { name: 'the same with penalties, prompt of 2,000', params: { ...GEMMA, ...penalties }, options: { promptIds } },
    { name: 'the same with a mask', params: GEMMA, options: { constraint: halfMask(vocabulary) } },
    { name: 'top-p 0.95', params: { ...PLAIN, topP: 0.95 } },
    { name: 'top-p 0.95, nothing likely', params: { ...PLAIN, topP: 0.95 }, spread: 0.5 },
    { name: 'min-p 0.05', params: { ...PLAIN, minP: 0.05 } },
    { name: 'all tokens', params: PLAIN },
  ]
}

await runScript({
  summary: 'sampling: milliseconds to choose a token',
  help: `
usage: node test/bench/sampling.ts [--vocabulary N] [--rounds N]

Logits are normal numbers with a spread of 2.5 and twenty likely tokens above them. Prints a Markdown table.

  --vocabulary N  logits of a row (default: 262144)
  --rounds N      tokens a case; the first fifth warms up (default: 100)`,
  options: { vocabulary: { type: 'string' }, rounds: { type: 'string' } },
  async run(args, { stdout, signal }) {
    const vocabulary = integerOption(args, 'vocabulary', 262_144, [64, 2 ** 24])
    const rounds = integerOption(args, 'rounds', 100, [5, 100_000])
    stdout.write(`${cpus()[0]?.model.trim()}, ${cpus().length} cores, ${vocabulary} logits\n\n`)
    stdout.write('| how | ms, median | ms, least | load |\n| --- | --- | --- | --- |\n')
    for (const { name, params, options, spread = 2.5 } of casesOf(vocabulary)) {
      signal.throwIfAborted()
      const times = timesOf(params, options ?? {}, rowsOf(vocabulary, spread), rounds)
      const cells = [name, median(times).toFixed(2), Math.min(...times).toFixed(2), loadavg()[0]?.toFixed(1)]
      stdout.write(`| ${cells.join(' | ')} |\n`)
    }
  },
})

function timesOf(
  params: SamplingParams,
  options: SamplerOptions,
  rows: readonly Float32Array[],
  rounds: number,
): number[] {
  const sampler = createSampler(params, options)
  const times = Array.from({ length: rounds }, (_, position) => {
    const row = rows[position % rows.length] ?? new Float32Array(1)
    const start = performance.now()
    sampler.next(row, position)
    return performance.now() - start
  })
  return times.slice(Math.floor(rounds / 5))
}

function rowsOf(vocabulary: number, spread: number): Float32Array[] {
  const random = randomNumbers(20261124)
  return Array.from({ length: ROWS }, () => {
    const row = Float32Array.from({ length: vocabulary }, () => {
      return spread * Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
    })
    for (let likely = 0; likely < 20 && spread > 1; likely++) row[Math.floor(vocabulary * random())] = 12 + 8 * random()
    return row
  })
}

/** @see Knuth, The Art of Computer Programming 2, 3.3.4: a linear congruential generator is enough for a bench */
function randomNumbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

/** Words of all kinds: all allowed, none, some. */
function halfMask(vocabulary: number): TokenConstraint {
  const words = [-1, 0, 0x0f_0f_0f_0f]
  const mask = Int32Array.from({ length: Math.ceil(vocabulary / 32) }, (_, word) => words[word % words.length] ?? 0)
  return { ready: () => undefined, mask, accept: () => undefined, rollback: () => undefined, [Symbol.dispose]() {} }
}
