import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { WorkerVitals } from './worker.ts'

/** The worker of a load test, in a process of its own. */
export interface CrowdedWorker extends AsyncDisposable {
  readonly url: string
  readonly modelName: string
  /** One a second. */
  readonly vitals: readonly WorkerVitals[]
}

type Message = { readonly url: string; readonly modelName: string } | { readonly vitals: WorkerVitals }

/** Starts it. */
export async function startCrowdedWorker(): Promise<CrowdedWorker> {
  const child = fork(fileURLToPath(new URL('./worker.ts', import.meta.url)), {
    execArgv: ['--disable-warning=ExperimentalWarning'],
    env: { ...process.env, UV_THREADPOOL_SIZE: '16' },
  })
  const vitals: WorkerVitals[] = []
  const started = Promise.withResolvers<{ url: string; modelName: string }>()
  child.on('message', (message: Message) => {
    if ('url' in message) started.resolve(message)
    else vitals.push(message.vitals)
  })
  child.once('exit', () => started.reject(new Error('the worker ended')))
  const { url, modelName } = await started.promise
  return { url, modelName, vitals, [Symbol.asyncDispose]: () => stop(child) }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) throw new Error('the worker ended by itself')
  child.disconnect()
  await once(child, 'exit')
}
