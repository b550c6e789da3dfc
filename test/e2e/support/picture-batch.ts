import { readFileSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import OpenAI, { toFile } from 'openai'
import { dataUri, examplePath, imagePart, textPart } from './pictures.ts'
import { MODEL, type Stack } from './stack.ts'
import { startWorkerProcess } from './worker-process.ts'

const PICTURES = ['red-circle.png', 'green-triangle.png', 'two-pink-circles.png', 'three-blue-stars.png']
const TEXTS = ['What is in this picture?', 'How many are there?', 'Which colour is it?', 'Tell me what you see.']

/** What happens while a batch runs. */
export interface PictureBatchOptions {
  readonly lines: number
  /** The worker is killed when so many lines are answered. */
  readonly killAt: readonly number[]
  /** The edge is ended and started again when so many lines are answered. */
  readonly restartAt?: readonly number[]
  readonly onProgress?: (text: string) => void
}

/** How a batch has ended. */
export interface PictureBatchReport {
  readonly batch: OpenAI.Batches.Batch
  /** Lines without an answer, with two, or with one that is not what the question gets alone. */
  readonly faults: readonly string[]
  /** How often the worker was killed and the edge restarted before the batch was done. */
  readonly kills: number
  readonly restarts: number
}

interface ResultLine {
  readonly custom_id: string
  readonly response: { readonly body: OpenAI.ChatCompletion } | null
}

/** The npm package, pointed at the edge. */
export function batchClient({ edgeUrl }: Stack): OpenAI {
  return new OpenAI({ apiKey: 'unused', baseURL: `${edgeUrl}/v1`, maxRetries: 5 })
}

/** A file of requests, one a line. */
export function batchFile(lines: readonly object[]) {
  return toFile(Buffer.from(lines.map((line) => JSON.stringify(line)).join('\n')), 'batch.jsonl')
}

/** Waits until a batch has one of these statuses. */
export async function untilStatus(client: OpenAI, id: string, statuses: readonly string[]) {
  for (;;) {
    const batch = await client.batches.retrieve(id)
    if (statuses.includes(batch.status)) return batch
    await setTimeout(100)
  }
}

/** Runs a batch of questions about pictures while worker and edge are killed, and compares with what they get alone. */
export async function runPictureBatch(stack: Stack, options: PictureBatchOptions): Promise<PictureBatchReport> {
  const client = batchClient(stack)
  const bodies = await questions(client)
  const alone: string[] = []
  for (const body of bodies) {
    alone.push(contentOf((await (await stack.chat(body)).json()) as OpenAI.ChatCompletion)) // others hold its shape
    options.onProgress?.(`alone ${alone.length}/${bodies.length}`)
  }
  const lines = Array.from({ length: options.lines }, (_, index) => ({
    custom_id: `line-${index}`,
    method: 'POST',
    url: '/v1/chat/completions',
    body: { model: MODEL, ...bodies[index % bodies.length] },
  }))
  const input = await client.files.create({ file: await batchFile(lines), purpose: 'batch' })
  const endpoint = '/v1/chat/completions'
  const { id } = await client.batches.create({ input_file_id: input.id, endpoint, completion_window: '24h' })
  const { batch, kills, restarts } = await harass(stack, { client, id, ...options })
  const results = await outputOf(client, batch.output_file_id)
  return { batch, kills, restarts, faults: compare(results, { lines: options.lines, alone }) }
}

/** The lines of an output or error file. */
export async function outputOf(client: OpenAI, id: string | null | undefined): Promise<ResultLine[]> {
  const text = typeof id === 'string' ? await (await client.files.content(id)).text() : ''
  return text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line)]))
}

/** Each picture as it is and by the id of its file, with each text. */
async function questions(client: OpenAI): Promise<Readonly<Record<string, unknown>>[]> {
  const sources: object[] = []
  for (const name of PICTURES) {
    const upload = await toFile(readFileSync(examplePath(name)), name)
    const { id } = await client.files.create({ file: upload, purpose: 'vision' })
    sources.push(imagePart(dataUri(examplePath(name))), { type: 'file', file: { file_id: id } })
  }
  return sources.map((source, index) => ({
    messages: [{ role: 'user', content: [source, textPart(TEXTS[(index >> 1) % TEXTS.length] ?? '')] }],
    temperature: 0,
    max_tokens: 24,
  }))
}

async function harass(stack: Stack, options: PictureBatchOptions & { client: OpenAI; id: string }) {
  const { client, id, onProgress } = options
  const killAt = [...options.killAt]
  const restartAt = [...(options.restartAt ?? [])]
  let [kills, restarts] = [0, 0]
  for (;;) {
    const batch = await client.batches.retrieve(id)
    const done = (batch.request_counts?.completed ?? 0) + (batch.request_counts?.failed ?? 0)
    onProgress?.(`${batch.status} ${done}/${options.lines}, killed ${kills} times, restarted ${restarts} times`)
    if (['completed', 'failed', 'expired', 'cancelled'].includes(batch.status)) return { batch, kills, restarts }
    if (done >= (killAt[0] ?? Number.POSITIVE_INFINITY) && done < options.lines) {
      killAt.shift()
      kills++
      await stack.worker.kill()
      stack.worker = await startWorkerProcess({ port: Number(new URL(stack.worker.url).port) })
    }
    if (done >= (restartAt[0] ?? Number.POSITIVE_INFINITY) && done < options.lines) {
      restartAt.shift()
      restarts++
      await stack.restartEdge()
    }
    await setTimeout(100)
  }
}

function compare(results: readonly ResultLine[], { lines, alone }: { lines: number; alone: readonly string[] }) {
  const faults: string[] = []
  for (let index = 0; index < lines; index++) {
    const found = results.filter(({ custom_id }) => custom_id === `line-${index}`)
    if (found.length !== 1) faults.push(`line-${index} has ${found.length} answers`)
    const wanted = alone[index % alone.length]
    const said = found.map(({ response }) => (response === null ? undefined : contentOf(response.body)))
    if (said.some((text) => text !== wanted)) faults.push(`line-${index}: ${JSON.stringify(said)}, alone "${wanted}"`)
  }
  return faults
}

function contentOf({ choices }: OpenAI.ChatCompletion): string {
  return choices[0]?.message.content ?? ''
}
