/**
 * Measures the embedded model through the public API on held-out pictures, by kind of question.
 *
 * Usage: npm run eval:tiny -- [--url http://127.0.0.1:8787] [--pictures 300] [--first-seed 0] [--model NAME]
 *                             [--parallel 2] [--threshold 0]
 *
 * Without --url it starts an edge and a worker of its own. It exits with 1 below the threshold, a percentage of all answers.
 * An answer counts as right only if it is the expected text, word for word. LOUPE_API_KEY is sent if it is set.
 */

import { parseArgs } from 'node:util'
import { freePort, startEdge } from '@loupe/gpu-worker/src/cli/edge-process.ts'
import { startWorkerProcess } from '../e2e/support/worker-process.ts'
import { type HeldOutQuestion, heldOutQuestions } from './held-out.ts'
import { pictureSide } from './layout.ts'
import { encodePng } from './png.ts'

interface Tally {
  asked: number
  right: number
}

interface Target {
  readonly url: string
  readonly model: string
  readonly headers: Readonly<Record<string, string>>
}

const { values: options } = parseArgs({
  options: {
    url: { type: 'string' },
    model: { type: 'string', default: 'loupe-tiny' },
    pictures: { type: 'string', default: '300' },
    'first-seed': { type: 'string', default: '0' },
    parallel: { type: 'string', default: '2' },
    threshold: { type: 'string', default: '0' },
  },
})

/** Asks one question over HTTP and returns the answer's text. */
async function answerOf(target: Target, question: HeldOutQuestion): Promise<string> {
  const response = await fetch(new URL('/v1/chat/completions', target.url), {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...target.headers },
    body: JSON.stringify({
      model: target.model,
      temperature: 0,
      max_tokens: 40,
      messages: [{ role: 'user', content: contentOf(question) }],
    }),
  })
  const body: unknown = await response.json()
  if (!response.ok) throw new Error(`HTTP ${response.status}: ${JSON.stringify(body)}`)
  return firstMessage(body)
}

function contentOf({ exchange, pixels, isTextFirst }: HeldOutQuestion): unknown {
  const text = { type: 'text', text: exchange.question }
  if (pixels === null) return exchange.question
  const png = Buffer.from(encodePng(pixels, pictureSide, pictureSide)).toString('base64')
  const image = { type: 'image_url', image_url: { url: `data:image/png;base64,${png}` } }
  return isTextFirst ? [text, image] : [image, text]
}

function firstMessage(body: unknown): string {
  // The shape is checked step by step through optional access; anything else is reported as it came.
  const completion = body as { choices?: { message?: { content?: unknown } }[] }
  const content = completion.choices?.[0]?.message?.content
  if (typeof content !== 'string') throw new Error(`no text in ${JSON.stringify(body)}`)
  return content.trim()
}

/** Asks everything about the pictures that this lane takes from the shared list of seeds. */
async function runLane(target: Target, seeds: number[], tallies: Map<string, Tally>): Promise<void> {
  for (let seed = seeds.shift(); seed !== undefined; seed = seeds.shift()) {
    for (const question of heldOutQuestions(seed)) {
      const answer = await answerOf(target, question)
      const isRight = answer === question.exchange.answer
      for (const name of [question.group, orderOf(question), 'all']) count(tallies, name, isRight)
      if (!isRight) report(seed, question, answer)
    }
  }
}

function orderOf({ pixels, isTextFirst }: HeldOutQuestion): string {
  if (pixels === null) return 'text only'
  return isTextFirst ? 'text first' : 'picture first'
}

function count(tallies: Map<string, Tally>, name: string, isRight: boolean): void {
  const tally = tallies.get(name) ?? { asked: 0, right: 0 }
  tally.asked += 1
  if (isRight) tally.right += 1
  tallies.set(name, tally)
}

function report(seed: number, { exchange }: HeldOutQuestion, answer: string): void {
  process.stdout.write(`  seed ${seed}: "${exchange.question}" expected "${exchange.answer}" got "${answer}"\n`)
}

function table(tallies: ReadonlyMap<string, Tally>): string {
  const rows = [...tallies].map(([name, { asked, right }]) => {
    const share = ((100 * right) / asked).toFixed(1)
    return `| ${name.padEnd(13)} | ${String(asked).padStart(5)} | ${String(right).padStart(5)} | ${share.padStart(6)} |`
  })
  return [
    '| question      | asked | right |      % |',
    '|---------------|------:|------:|-------:|',
    ...rows.sort(),
  ].join('\n')
}

/** A stack of our own, closed by `stack`. */
async function startOwnStack(stack: AsyncDisposableStack): Promise<string> {
  const worker = await startWorkerProcess()
  stack.defer(() => worker.kill())
  const signal = AbortSignal.timeout(120_000)
  const edge = await startEdge({ port: await freePort(), workerUrl: worker.url, onOutput: () => undefined, signal })
  stack.defer(() => edge.stop())
  return edge.url
}

await using stack = new AsyncDisposableStack()
const key = process.env['LOUPE_API_KEY']
const target: Target = {
  url: options.url ?? (await startOwnStack(stack)),
  model: options.model,
  headers: key === undefined ? {} : { authorization: `Bearer ${key}` },
}
const tallies = new Map<string, Tally>()
const started = Date.now()
const seeds = Array.from({ length: Number(options.pictures) }, (_, step) => Number(options['first-seed']) + step)
await Promise.all(Array.from({ length: Number(options.parallel) }, () => runLane(target, seeds, tallies)))
process.stdout.write(
  `${table(tallies)}\n${options.pictures} pictures, ${Math.round((Date.now() - started) / 1000)} s\n`,
)
const all = tallies.get('all')
if (all === undefined || (100 * all.right) / all.asked < Number(options.threshold)) process.exitCode = 1
