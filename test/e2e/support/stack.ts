import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort, startEdge } from '@loupe/gpu-worker/src/cli/edge-process.ts'
import { type CountingProxy, startCountingProxy } from './counting-proxy.ts'
import { type PictureHost, startPictureHost } from './picture-host.ts'
import { startWorkerProcess, type WorkerProcess } from './worker-process.ts'

/** The whole of Loupe on this machine: real edge in workerd, real worker with the embedded model, a proxy between. */
export interface Stack {
  readonly edgeUrl: string
  readonly proxy: CountingProxy
  readonly pictures: PictureHost
  /** What the edge has printed, its log among it. */
  edgeOutput(): string
  /** Replaced by tests that kill it. */
  worker: WorkerProcess
  /** Posts a chat request; the model is filled in. */
  chat(body: Readonly<Record<string, unknown>>, init?: RequestInit): Promise<Response>
  /** Ends the edge and starts it again at the same address, with what it had stored. */
  restartEdge(): Promise<void>
  /** A number of the worker's metrics. */
  metric(name: string): Promise<number>
  close(): Promise<void>
}

/** The embedded model's name. */
export const MODEL = 'loupe-tiny'

/** Lets its holder make and revoke keys. */
export const ADMIN_KEY = 'the-admin-key-of-the-stack-32-letters'

/** Starts all of it. Takes some seconds, so the suites share one. */
export async function startStack(): Promise<Stack> {
  await using started = new AsyncDisposableStack()
  const pictures = await startPictureHost()
  started.defer(() => pictures.close())
  const worker = await startWorkerProcess()
  started.defer(() => worker.kill())
  const proxy = await startCountingProxy(worker.url)
  started.defer(() => proxy.close())
  const persistTo = await mkdtemp(join(tmpdir(), 'loupe-edge-'))
  started.defer(() => rm(persistTo, { recursive: true, force: true }))
  let output = ''
  const options = {
    port: await freePort(),
    workerUrl: proxy.url,
    vars: { IMAGE_TRUSTED_HOSTS: pictures.host, ADMIN_KEY },
    persistTo,
    onOutput: (text: string) => {
      output += text
    },
  }
  const start = () => startEdge({ ...options, signal: AbortSignal.timeout(120_000) })
  let edge = await start()
  started.defer(() => edge.stop())
  const kept = started.move()
  const running: Stack = {
    edgeUrl: edge.url,
    proxy,
    pictures,
    edgeOutput: () => output,
    worker,
    chat: (body, init) => {
      const whole = JSON.stringify({ model: MODEL, ...body })
      return fetch(`${edge.url}/v1/chat/completions`, { method: 'POST', body: whole, ...init })
    },
    restartEdge: async () => {
      await edge.stop()
      edge = await start()
    },
    metric: async (name) => {
      const text = await (await fetch(`${running.worker.url}/metrics`)).text()
      return readMetric(text, name)
    },
    close: async () => {
      await kept.disposeAsync()
      await running.worker.kill()
    },
  }
  return running
}

/** Sums the lines of a metric, whatever their labels. */
function readMetric(text: string, name: string): number {
  const lines = text.split('\n').filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
  if (lines.length === 0) throw new Error(`the worker has no metric ${name}`)
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0)
}
