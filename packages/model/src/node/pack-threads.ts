import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { setImmediate } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { AppError, type ErrorCode } from '@loupe/shared/errors'
import { throwIfCancelled } from '../runtime/cancellation.ts'
import { type PackTask, runPackTask } from './pack-task.ts'

/** What a thread answers to a task. */
export type PackReply =
  | { readonly kind: 'done' }
  | { readonly kind: 'fault'; readonly code: ErrorCode; readonly detail: string }
  /** What the file system threw, and the code that an error loses on its way. */
  | { readonly kind: 'failure'; readonly error: Error; readonly systemCode: unknown }

/** Beyond this many threads the disk is the limit. */
const MOST_THREADS = 8
/** Starting a thread costs as much as packing this many bytes. */
const BYTES_PER_THREAD = 32 * 1024 * 1024

/** How tasks are run. */
interface TaskOptions {
  /** Path of the file that they write to. */
  readonly target: string
  readonly onDone: (task: PackTask) => void
  readonly signal: AbortSignal | undefined
}

/**
 * Runs tasks, in threads if they are worth it.
 *
 * @throws AppError `request.cancelled`; whatever the first task that fails throws
 */
export async function runPackTasks(tasks: readonly PackTask[], options: TaskOptions): Promise<void> {
  const bytes = tasks.reduce((sum, { rows, source }) => sum + rows * source.rowBytes, 0)
  const threads = Math.min(MOST_THREADS, availableParallelism(), Math.floor(bytes / BYTES_PER_THREAD))
  const queue = tasks.values()
  if (threads < 1) return runHere(queue, options)
  const workers = Array.from({ length: threads }, () => startWorker(options.target))
  try {
    await Promise.all(workers.map((worker) => runIn(worker, queue, options)))
  } catch (error) {
    throwIfCancelled(options.signal)
    throw error
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()))
  }
}

async function runHere(queue: Iterable<PackTask>, { target, onDone, signal }: TaskOptions): Promise<void> {
  for (const task of queue) {
    throwIfCancelled(signal)
    runPackTask(task, target)
    onDone(task)
    await setImmediate()
  }
}

/** Takes tasks from a queue that other threads take from too. */
async function runIn(worker: Worker, queue: Iterable<PackTask>, { onDone, signal }: TaskOptions): Promise<void> {
  for (const task of queue) {
    throwIfCancelled(signal)
    worker.postMessage(task)
    // Rejects when the signal aborts, and when the thread dies.
    const [reply] = await once(worker, 'message', signal === undefined ? {} : { signal })
    check(reply)
    onDone(task)
  }
}

function check(reply: PackReply): void {
  if (reply.kind === 'fault') throw new AppError(reply.code, reply.detail)
  if (reply.kind === 'failure') throw Object.assign(reply.error, { code: reply.systemCode })
}

/** The worker's file is TypeScript or JavaScript, as this one is. */
function startWorker(target: string): Worker {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  const url = new URL(`./pack-worker.${extension}`, import.meta.url)
  // Not the flags of this process: with --eval or --input-type no file can be started.
  return new Worker(url, { workerData: target, execArgv: ['--disable-warning=ExperimentalWarning'] })
}
