/** A client in a process of its own, so that what it takes is not counted as the worker's. Started by `askFromOutside`. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { askWorker, type WorkerAddress } from '../load/ask-worker.ts'

/** A prompt, and how many tokens are answered. */
export interface OutsideQuestion {
  readonly inputIds: readonly number[]
  readonly maxTokens: number
}

/** A client of a worker. */
export interface OutsideClient extends AsyncDisposable {
  /** Resolves when the whole answer has come. @throws what the worker reports */
  ask(question: OutsideQuestion): Promise<void>
}

/** Starts a client. */
export function askFromOutside(worker: WorkerAddress): OutsideClient {
  const child: ChildProcess = fork(fileURLToPath(import.meta.url), [worker.url, worker.modelName], {
    execArgv: ['--disable-warning=ExperimentalWarning'],
  })
  return {
    async ask(question) {
      child.send(question)
      const [fault] = await once(child, 'message')
      if (fault !== '') throw new Error(String(fault))
    },
    async [Symbol.asyncDispose]() {
      child.disconnect()
      await once(child, 'exit')
    },
  }
}

if (import.meta.main) {
  const [url = '', modelName = ''] = process.argv.slice(2)
  process.on('disconnect', () => process.exit())
  process.on('message', async ({ inputIds, maxTokens }: OutsideQuestion) => {
    const request = { inputIds: Int32Array.from(inputIds), pictures: [], maxTokens, choices: 1 }
    const { error } = await askWorker({ url, modelName }, request)
    process.send?.(error === undefined ? '' : error.message)
  })
}
