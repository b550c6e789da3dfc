/** The worker of `bench-http.ts`, in a process of its own. Started by it: `bench-worker.ts MODEL CACHE THREADS`. */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { startServer } from '@loupe/gpu-worker/src/server.ts'
import { createSampler } from '@loupe/model'
import { loadGemma3VL } from '@loupe/model/node'
import { serveModel } from './bench-engine.ts'
import { promptIds } from './peer-llama-measures.ts'
import { costOf } from './timing.ts'

/** What the worker is asked beside HTTP. */
export type WorkerQuestion =
  | { readonly ask: 'alone'; readonly prompt: number; readonly tokens: number }
  | { readonly ask: 'lateness' }

/** What it answers. */
export interface WorkerAnswer {
  /** Each token of a loop that holds the model alone, without an engine: step and choice. */
  readonly tokensMs?: readonly number[]
  /** The longest that the event loop was held up since the last time. */
  readonly latenessMs?: number
}

/** How it says that it is there. */
export interface WorkerHello {
  readonly url: string
  readonly modelName: string
}

const SLOTS = 8
const SLOT_TOKENS = 4096

const [path = '', cacheDirectory = '', threads = '2'] = process.argv.slice(2)
const model = await loadGemma3VL(path, { cacheDirectory, threads: Number(threads) })
// Prefixes would make the second prompt quicker than the first.
const served = serveModel('bench', model, { slots: SLOTS, slotTokens: SLOT_TOKENS, prefixCacheBytes: 0 })
const pool = model.openPool({ slots: 1, capacityTokens: SLOT_TOKENS })
await alone(2, 2)
const server = await startServer({
  models: [served],
  host: '127.0.0.1',
  port: 0,
  log: () => {},
  version: 'bench',
  drainMs: 0,
})
const delay = monitorEventLoopDelay({ resolution: 1 })
delay.enable()
process.on('disconnect', () => process.exit())
process.on('message', async (question: WorkerQuestion) => {
  if (question.ask === 'alone') process.send?.({ tokensMs: await alone(question.prompt, question.tokens) })
  else {
    process.send?.({ latenessMs: delay.max / 1e6 })
    delay.reset()
  }
})
process.send?.({ url: server.url, modelName: 'bench' })

async function alone(prompt: number, tokens: number): Promise<number[]> {
  const sampler = createSampler({ temperature: 0, topK: 0, topP: 1, seed: 0 })
  pool.truncate(0, 0)
  let { id } = sampler.next(await pool.prefill(0, Int32Array.from(promptIds(prompt)), []), 0)
  const times: number[] = []
  for (let token = 1; token < tokens; token++) {
    const { wall } = await costOf(async () => {
      id = sampler.next(await pool.decode([0], Int32Array.of(id)), token).id
    })
    times.push(wall)
  }
  return times
}
