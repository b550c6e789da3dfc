import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { freePort } from '@loupe/gpu-worker/src/cli/edge-process.ts'

/** The real worker, `loupe serve`, in a process of its own, with the embedded model. */
export interface WorkerProcess {
  readonly url: string
  /** Ends it without a word, as a crash would. */
  kill(): Promise<void>
}

const START_MS = 60_000

/** What a worker is started with. */
interface WorkerProcessOptions {
  /** A free one unless it is named. */
  readonly port?: number
  /** More arguments of `loupe serve`. */
  readonly args?: readonly string[]
}

/** Starts the worker and waits until it is ready. */
export async function startWorkerProcess(options: WorkerProcessOptions = {}): Promise<WorkerProcess> {
  const taken = options.port ?? (await freePort())
  const main = fileURLToPath(new URL('../../../apps/gpu-worker/src/main.ts', import.meta.url))
  const args = [
    '--disable-warning=ExperimentalWarning',
    main,
    'serve',
    '--port',
    String(taken),
    ...(options.args ?? []),
  ]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] })
  let output = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    output = (output + text).slice(-2000)
  })
  const onExit = () => child.kill('SIGKILL')
  process.once('exit', onExit)
  const url = `http://127.0.0.1:${taken}`
  await untilReady(url, child, () => output)
  return {
    url,
    async kill() {
      process.off('exit', onExit)
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill('SIGKILL')
      await once(child, 'exit')
    },
  }
}

async function untilReady(url: string, child: ChildProcess, output: () => string): Promise<void> {
  const deadline = AbortSignal.timeout(START_MS)
  for (;;) {
    if (child.exitCode !== null) throw new Error(`the worker ended:\n${output()}`)
    const reply = await fetch(`${url}/v2/health/ready`, { signal: deadline }).catch(() => undefined)
    await reply?.body?.cancel()
    if (reply?.ok === true) return
    await setTimeout(50, undefined, { signal: deadline })
  }
}
