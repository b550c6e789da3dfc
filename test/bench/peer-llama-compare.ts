/** Runs one GGUF file with llama.cpp and with us in turn: `node test/bench/peer-llama-compare.ts --help`. */
import { cpus, loadavg } from 'node:os'
import { integerOption, requiredOption } from '@loupe/gpu-worker/src/cli/command.ts'
import { MODEL_OPTIONS, MODEL_OPTIONS_HELP, readModelOptions } from '@loupe/gpu-worker/src/cli/model-options.ts'
import { createSampler, type Gemma3VLModel } from '@loupe/model'
import { loadGemma3VL } from '@loupe/model/node'
import { type DecodeFigures, decodeFigures, figures, type PrefillFigures, promptIds } from './peer-llama-measures.ts'
import { startPeer } from './peer-llama-process.ts'
import { runScript } from './script.ts'
import { type Cost, costOf, median } from './timing.ts'

const ROOM_TOKENS = 256

/** What both sides are asked. */
interface Measure {
  readonly measure: 'prefill' | 'decode'
  readonly tokens: number
  readonly context?: number
}

await runScript({
  summary: 'peer-llama-compare: prefill and decode of one GGUF file, llama.cpp and us in turn',
  help: `
usage: node test/bench/peer-llama-compare.ts --model FILE [--prompt N] [--tokens N] [--rounds N] [options of a model]

Both sides hold the file at once and take turns. A prefill ends with the choice of the token behind it; decode is the
middle one of single tokens behind that prompt, choice included. Ratios above 1: we are faster. Processor time says more on
a busy machine with --threads 1; with more threads either side spins while it waits.

  --prompt N             tokens of the prompt (default: 512)
  --tokens N             tokens decoded behind it (default: 32)
  --rounds N             turns, behind one that warms up (default: 5)
${MODEL_OPTIONS_HELP}

Prints a Markdown table.`,
  options: {
    ...MODEL_OPTIONS,
    prompt: { type: 'string' },
    tokens: { type: 'string' },
    rounds: { type: 'string' },
  },
  async run(args, { stdout }) {
    const path = requiredOption(args, 'model')
    const prompt = integerOption(args, 'prompt', 512, [1, 32_000])
    const tokens = integerOption(args, 'tokens', 32, [1, 1000])
    const rounds = integerOption(args, 'rounds', 5, [1, 1000])
    const threads = integerOption(args, 'threads', 2, [1, 64])
    const { load } = await readModelOptions(args)
    const context = String(prompt + tokens + ROOM_TOKENS)
    using peer = await startPeer(['--model', path, '--threads', String(threads), '--context', context])
    using model = await loadGemma3VL(path, { ...load, threads })
    const measures: Measure[] = [
      { measure: 'prefill', tokens: prompt },
      { measure: 'decode', context: prompt, tokens },
    ]
    stdout.write(`${cpus()[0]?.model.trim()}, ${threads} threads\n\n`)
    stdout.write('| measure | tokens/s of llama.cpp | ours | ratio | least, most | of processor time | load |\n')
    stdout.write('| --- | --- | --- | --- | --- | --- | --- |\n')
    for (const measure of measures) {
      const turns: [theirs: Cost, ours: Cost][] = []
      for (let round = 0; round <= rounds; round++) {
        const theirs = perToken(measure, await peer.ask(measure))
        turns.push([theirs, perToken(measure, await measureOurs(model, measure))])
      }
      stdout.write(`${row(measure, turns.slice(1))}\n`)
    }
  },
})

/** Of decode the middle token by the clock, but the mean of processor time: its clock is too coarse for one. */
function perToken({ measure, tokens }: Measure, found: PrefillFigures & Partial<DecodeFigures>): Cost {
  return measure === 'decode'
    ? { wall: found.medianMs ?? Number.NaN, cpu: found.cpuMs }
    : { wall: found.wallMs / tokens, cpu: found.cpuMs / tokens }
}

function row({ measure, tokens, context }: Measure, turns: readonly [theirs: Cost, ours: Cost][]): string {
  const ratios = (clock: keyof Cost) => turns.map(([theirs, ours]) => theirs[clock] / ours[clock]).sort((a, b) => a - b)
  const speed = (side: 0 | 1) => (1000 / median(turns.map((turn) => turn[side].wall))).toFixed(1)
  const wall = ratios('wall')
  const cells = [
    measure === 'prefill' ? `prefill ${tokens}` : `decode behind ${context}`,
    speed(0),
    speed(1),
    median(wall).toFixed(2),
    `${wall[0]?.toFixed(2)}, ${wall.at(-1)?.toFixed(2)}`,
    median(ratios('cpu')).toFixed(2),
    loadavg()[0]?.toFixed(1),
  ]
  return `| ${cells.join(' | ')} |`
}

/** The same as the peer's, with what `generate` does for each token. */
async function measureOurs(model: Gemma3VLModel, { measure, tokens, context = 0 }: Measure) {
  const { topK, topP } = model.generationConfig
  const sampler = createSampler({ temperature: 0, topK, topP, seed: 0 })
  using sequence = model.startSequence({ capacityTokens: tokens + context })
  const step = async (ids: number[]) => sampler.next(await sequence.prefill(Int32Array.from(ids), []), 0)
  if (measure === 'prefill') return figures(await costOf(() => step(promptIds(tokens))))
  await step(promptIds(context))
  const costs: Cost[] = []
  for (let token = 0; token < tokens; token++) costs.push(await costOf(() => step([1000 + token])))
  return decodeFigures(costs)
}
