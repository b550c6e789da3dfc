/** Packs what it is told to in a thread of its own, and answers each {@link PackTask} with a {@link PackReply}. */
import { parentPort, workerData } from 'node:worker_threads'
import { AppError } from '@loupe/shared/errors'
import { type PackTask, runPackTask } from './pack-task.ts'
import type { PackReply } from './pack-threads.ts'

parentPort?.on('message', (task: PackTask) => parentPort?.postMessage(answer(task, String(workerData))))

function answer(task: PackTask, target: string): PackReply {
  try {
    runPackTask(task, target)
    return { kind: 'done' }
  } catch (error) {
    // An error loses its class on the way.
    if (AppError.isInstance(error)) return { kind: 'fault', code: error.code, detail: error.detail }
    const failure: Error & { code?: unknown } = error instanceof Error ? error : new Error(String(error))
    return { kind: 'failure', error: failure, systemCode: failure.code }
  }
}
