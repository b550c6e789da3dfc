import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { askWorker } from '../load/ask-worker.ts'
import { fasterRow, plainRow, quantile } from './bench-row.ts'
import type { BenchModel, BenchRows, BenchSettings } from './bench-settings.ts'
import type { WorkerAnswer, WorkerHello, WorkerQuestion } from './bench-worker.ts'
import { promptIds } from './peer-llama-measures.ts'
import { median } from './timing.ts'

const USERS = [1, 4, 8]
const PROMPT_TOKENS = 128
const ANSWER_TOKENS = 48
const LONG_PROMPT_TOKENS = 2048

/** Streams through HTTP: what they cost over the model alone, and what several users get. */
export async function* benchHttp(of: BenchModel, settings: BenchSettings): BenchRows {
  settings.tell(`${of.size}: HTTP`)
  await using worker = await startWorker(of.path, settings)
  const model = `${of.size}, HTTP`
  await stream(worker.hello, PROMPT_TOKENS, 4)

  const turns: [number, number][] = []
  for (let turn = 0; turn < settings.rounds; turn++) {
    settings.signal.throwIfAborted()
    const { tokensMs = [] } = await worker.ask({ ask: 'alone', prompt: PROMPT_TOKENS, tokens: ANSWER_TOKENS })
    const streamed = await stream(worker.hello, PROMPT_TOKENS, ANSWER_TOKENS)
    turns.push([median(tokensMs), median(streamed.betweenMs)])
  }
  const measure = 'a token of one user'
  yield fasterRow({ model, measure, against: 'the model alone', unit: 'ms', wanted: '0.97' }, turns)

  await worker.ask({ ask: 'lateness' })
  await stream(worker.hello, LONG_PROMPT_TOKENS, 1)
  const { latenessMs = Number.NaN } = await worker.ask({ ask: 'lateness' })
  yield plainRow({ model, measure: 'event loop late during a prompt, most', unit: 'ms', wanted: '20' }, latenessMs)

  for (const users of USERS) yield* usersRows(worker, { model, users, settings })
}

async function* usersRows(
  { hello }: BenchedWorker,
  { model, users, settings }: { readonly model: string; readonly users: number; readonly settings: BenchSettings },
): BenchRows {
  settings.signal.throwIfAborted()
  const startedMs = performance.now()
  // Each another prompt, for nobody shares a prefix with a stranger.
  const answers = await Promise.all(
    Array.from({ length: users }, (_, user) => stream(hello, PROMPT_TOKENS - user, ANSWER_TOKENS)),
  )
  const seconds = (performance.now() - startedMs) / 1000
  const name = users === 1 ? '1 user' : `${users} users`
  const tokens = answers.reduce((sum, { betweenMs }) => sum + betweenMs.length + 1, 0)
  yield plainRow({ model, measure: `${name}, all tokens`, unit: 'tokens/s' }, tokens / seconds)
  const first = answers.map(({ firstMs }) => firstMs)
  const between = answers.flatMap(({ betweenMs }) => betweenMs)
  for (const [what, values] of [
    ['first token', first],
    ['between tokens', between],
  ] as const) {
    for (const percent of [50, 95]) {
      const row = { model, measure: `${name}, ${what}, p${percent}`, unit: 'ms' }
      yield plainRow(row, quantile(values, percent / 100))
    }
  }
}

/** One question over HTTP. @returns milliseconds to the first token, and between tokens */
async function stream(worker: WorkerHello, promptTokens: number, maxTokens: number) {
  const request = { inputIds: Int32Array.from(promptIds(promptTokens)), pictures: [], maxTokens, choices: 1 }
  const startedMs = performance.now()
  const times: number[] = []
  const reply = await askWorker(worker, request, { onToken: () => times.push(performance.now()) })
  if (reply.error !== undefined) throw reply.error
  const [first = Number.NaN] = times
  return { firstMs: first - startedMs, betweenMs: times.slice(1).map((time, index) => time - (times[index] ?? 0)) }
}

interface BenchedWorker extends AsyncDisposable {
  readonly hello: WorkerHello
  ask(question: WorkerQuestion): Promise<WorkerAnswer>
}

async function startWorker(path: string, { folder, threads }: BenchSettings): Promise<BenchedWorker> {
  const script = fileURLToPath(new URL('./bench-worker.ts', import.meta.url))
  const child: ChildProcess = fork(script, [path, folder, String(threads)], {
    execArgv: ['--disable-warning=ExperimentalWarning'],
  })
  // Both are written by that script.
  const next = async <T>() => (await once(child, 'message'))[0] as T
  const hello = await next<WorkerHello>()
  return {
    hello,
    ask(question) {
      child.send(question)
      return next<WorkerAnswer>()
    },
    async [Symbol.asyncDispose]() {
      child.disconnect()
      await once(child, 'exit')
    },
  }
}
