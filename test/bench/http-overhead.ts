/** What engine and HTTP add to a token, and how long they hold the event loop: `node test/bench/http-overhead.ts --help`. */
import { loadavg } from 'node:os'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { integerOption, requiredOption } from '@loupe/gpu-worker/src/cli/command.ts'
import type { ServedModel } from '@loupe/gpu-worker/src/served-model.ts'
import { startServer } from '@loupe/gpu-worker/src/server.ts'
import { createSampler, type Gemma3VLModel } from '@loupe/model'
import { loadGemma3VL } from '@loupe/model/node'
import { askFromOutside, type OutsideClient } from './ask-from-outside.ts'
import { askEngine, serveModel } from './bench-engine.ts'
import { promptIds } from './peer-llama-measures.ts'
import { runScript } from './script.ts'
import { type Cost, median } from './timing.ts'

const PROMPT_TOKENS = 128
const LONG_PROMPT_TOKENS = 2048
const SLOT_TOKENS = 4096
const TICK_MS = 1
const STAGES = ['model', 'engine', 'http'] as const
type Stage = (typeof STAGES)[number]
const LIMITS = { slots: 8, slotTokens: SLOT_TOKENS, prefixCacheBytes: 0 }

await runScript({
  summary: 'http-overhead: a token of the model alone, through the engine, and through HTTP',
  help: `
usage: node test/bench/http-overhead.ts --model PATH [--tokens N] [--rounds N] [--threads N]

The three take turns; medians. The client is another process. What engine and HTTP do they do in the thread of the event
loop, whose processor time is exact; it is also given as a share of what a token of the model alone takes when nothing else
runs: its processor time by the number of threads. Processor time and wall time of all of it move with what else runs.
Then a long prompt is computed, and the event loop watched: how late it was, how late it is when nothing happens, and the
longest that its thread computed in one go.

  --model PATH  a checkpoint or a GGUF
  --tokens N    of an answer (default: 64)
  --rounds N    (default: 7)
  --threads N   of a run (default: 1)`,
  options: {
    model: { type: 'string' },
    tokens: { type: 'string' },
    rounds: { type: 'string' },
    threads: { type: 'string' },
  },
  async run(args, { stdout, signal }) {
    const tokens = integerOption(args, 'tokens', 64, [2, 2048])
    const rounds = integerOption(args, 'rounds', 7, [1, 100])
    const threads = integerOption(args, 'threads', 1, [1, 64])
    using model = await loadGemma3VL(requiredOption(args, 'model'), { threads, signal })
    await using stages = await openStages(model, tokens)
    const costs = new Map<Stage, TokenCost[]>(STAGES.map((stage) => [stage, []]))
    for (let round = 0; round <= rounds; round++) {
      signal.throwIfAborted()
      for (const stage of STAGES) costs.get(stage)?.push(await stages.run(stage))
    }
    stdout.write('| a token | event loop | added to a token | processor | wall |\n| --- | --- | --- | --- | --- |\n')
    for (const stage of STAGES)
      stdout.write(costRow(costs.get(stage) ?? [], { stage, threads, alone: costs.get('model') ?? [] }))
    stdout.write(`\n${await watchLongPrompt(stages.client)}; load ${loadavg()[0]?.toFixed(1)}\n`)
  },
})

/** What a token costs. */
interface TokenCost extends Cost {
  /** Processor time of the thread of the event loop, milliseconds. */
  readonly loop: number
}

interface RowOf {
  readonly stage: Stage
  readonly threads: number
  readonly alone: readonly TokenCost[]
}

function costRow(costs: readonly TokenCost[], { stage, threads, alone }: RowOf): string {
  const own = costs.slice(1) // the first round warms up
  const middle = (of: readonly TokenCost[], clock: keyof TokenCost) => median(of.map((cost) => cost[clock]))
  const added = middle(own, 'loop') - middle(alone.slice(1), 'loop')
  const share = (100 * added * threads) / middle(alone.slice(1), 'cpu')
  const cells = [middle(own, 'loop'), middle(own, 'cpu'), middle(own, 'wall')].map((ms) => `${ms.toFixed(2)} ms`)
  return `| ${stage} | ${cells[0]} | ${added.toFixed(2)} ms, ${share.toFixed(1)} % | ${cells[1]} | ${cells[2]} |\n`
}

async function openStages(model: Gemma3VLModel, tokens: number) {
  await using opened = new AsyncDisposableStack()
  const clock = createTokenClock()
  const served = countedBy(clock, serveModel('bench', model, LIMITS))
  const quiet = { host: '127.0.0.1', port: 0, log: () => {}, version: 'bench', drainMs: 0 }
  const server = await startServer({ ...quiet, models: [served] })
  opened.defer(() => server.close())
  const client = opened.use(askFromOutside({ url: server.url, modelName: 'bench' }))
  const inputIds = promptIds(PROMPT_TOKENS)
  const stages = {
    model: () => decodeAlone(model, { inputIds, tokens, clock }),
    engine: () => askEngine(served, { inputIds, maxTokens: tokens, onToken: () => clock.tick() }),
    http: () => client.ask({ inputIds, maxTokens: tokens }),
  }
  const kept = opened.move()
  return {
    client,
    async run(stage: Stage): Promise<TokenCost> {
      clock.reset()
      await stages[stage]()
      return clock.perToken()
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  }
}

/** Looks at the clocks when each token is there. */
interface TokenClock {
  reset(): void
  tick(): void
  /** From the first token to the last. */
  perToken(): TokenCost
}

function createTokenClock(): TokenClock {
  const marks: TokenCost[] = []
  return {
    reset: () => {
      marks.length = 0
    },
    tick: () => {
      const { user, system } = process.cpuUsage()
      marks.push({ wall: performance.now(), cpu: (user + system) / 1000, loop: threadMs() })
    },
    perToken: () => {
      const [first, last, gaps] = [marks[0], marks.at(-1), marks.length - 1]
      if (first === undefined || last === undefined || gaps < 1) throw new Error('expected at least two tokens')
      const between = (clock: keyof TokenCost) => (last[clock] - first[clock]) / gaps
      return { wall: between('wall'), cpu: between('cpu'), loop: between('loop') }
    },
  }
}

/** What counts the tokens of an answer that comes through HTTP is told of each, too. */
function countedBy(clock: TokenClock, served: ServedModel): ServedModel {
  const { generationTokens } = served.metrics
  const counter = {
    add: (amount?: number) => {
      generationTokens.add(amount)
      clock.tick()
    },
  }
  return { ...served, metrics: { ...served.metrics, generationTokens: counter } }
}

interface Alone {
  readonly inputIds: readonly number[]
  readonly tokens: number
  readonly clock: TokenClock
}

async function decodeAlone(model: Gemma3VLModel, { inputIds, tokens, clock }: Alone): Promise<void> {
  using pool = model.openPool({ slots: LIMITS.slots, capacityTokens: SLOT_TOKENS })
  using sampler = createSampler({ temperature: 0, topK: 0, topP: 1, seed: 0 })
  let { id } = sampler.next(await pool.prefill(0, Int32Array.from(inputIds), []), 0)
  clock.tick()
  for (let token = 1; token < tokens; token++) {
    id = sampler.next(await pool.decode([0], Int32Array.of(id)), token).id
    clock.tick()
  }
}

async function watchLongPrompt(client: OutsideClient): Promise<string> {
  const startedMs = performance.now()
  const busy = await watchLoop(() => client.ask({ inputIds: promptIds(LONG_PROMPT_TOKENS), maxTokens: 1 }))
  const tookMs = performance.now() - startedMs
  const idle = await watchLoop(() => new Promise((resolve) => setTimeout(resolve, tookMs)))
  const late = `the event loop was at most ${busy.lateMs.toFixed(1)} ms late (${idle.lateMs.toFixed(1)} ms when idle)`
  return `In ${(tookMs / 1000).toFixed(1)} s of prompt ${late}, and computed at most ${busy.blockMs.toFixed(1)} ms in one go`
}

async function watchLoop(action: () => Promise<unknown>): Promise<{ lateMs: number; blockMs: number }> {
  const delay = monitorEventLoopDelay({ resolution: TICK_MS })
  let [before, blockMs] = [threadMs(), 0]
  const timer = setInterval(() => {
    const now = threadMs()
    blockMs = Math.max(blockMs, now - before)
    before = now
  }, TICK_MS)
  delay.enable()
  await action()
  delay.disable()
  clearInterval(timer)
  return { lateMs: delay.max / 1e6 - TICK_MS, blockMs }
}

/** Processor time of this thread. */
function threadMs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}
