import { Worker } from 'node:worker_threads'
import { AppError } from '@loupe/shared/errors'
import type { GrammarReply, GrammarTask, GrammarThreadData } from './grammar-task.ts'

interface Pending {
  readonly task: GrammarTask
  readonly limitMs: number
  resolve(rules: string | undefined): void
  reject(reason: AppError): void
}

/**
 * Memory of a thread beside that of the grammar library: the vocabulary while it is read. What is young is kept small, as
 * V8 gives little of it back.
 */
const HEAP = { maxOldGenerationSizeMb: 192, maxYoungGenerationSizeMb: 4 }

/** A task may take so many times its limit by the clock: on a busy machine a thread gets a part of a processor. */
const PATIENCE = 8
/** Between looks at a thread that has not used its time up. */
const LOOK_MS = 50

/**
 * A thread that works on grammars. It ends with the first fault of any task, with all tasks that are left: what a hostile
 * grammar has left behind is not used again.
 */
export class GrammarThread {
  /** Memory that the grammar library holds in it. */
  heldBytes = 0
  #fault: AppError | undefined
  readonly #worker: Worker
  /** In the order in which the thread does them; the first is what it does now. */
  readonly #pending: Pending[] = []
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(data: GrammarThreadData) {
    this.#worker = new Worker(new URL('./grammar-worker.ts', import.meta.url), {
      workerData: data,
      resourceLimits: HEAP,
      execArgv: ['--disable-warning=ExperimentalWarning'],
    })
    this.#worker.on('message', (reply: GrammarReply) => this.#settle(reply))
    this.#worker.on('error', (cause) => this.#die(tooComplex('The grammar broke its compiler.', cause)))
    this.#worker.on('exit', () => this.#die(tooComplex('The thread of the grammar has ended.')))
    // A grammar that nobody waits for holds up no shutdown.
    this.#worker.unref()
  }

  get isDead(): boolean {
    return this.#fault !== undefined
  }

  /**
   * Does a task after those before it.
   *
   * @param limitMs - processor time, once it has begun; the thread ends when it takes longer
   * @throws AppError `grammar.invalid`, `grammar.too_complex`
   */
  run(task: GrammarTask, limitMs: number): Promise<string | undefined> {
    if (this.#fault !== undefined) return Promise.reject(this.#fault)
    const { promise, resolve, reject } = Promise.withResolvers<string | undefined>()
    this.#pending.push({ task, limitMs, resolve, reject })
    if (this.#pending.length === 1) {
      this.#worker.ref()
      this.#watch()
    }
    this.#worker.postMessage(task)
    return promise
  }

  end(): void {
    this.#die(new AppError('request.cancelled', 'The thread of the grammar was ended.'))
  }

  /** Times the task that is done now. */
  #watch(): void {
    clearTimeout(this.#timer)
    const [first] = this.#pending
    if (first === undefined) return
    const lateMs = performance.now() + PATIENCE * first.limitMs
    const look = async (beganMs: number) => {
      const leftMs = first.limitMs - ((await this.#usedMs()) - beganMs)
      if (this.#pending[0] !== first) return
      const detail = `The grammar took longer than ${first.limitMs} ms to ${first.task.task}.`
      if (leftMs <= 0 || performance.now() > lateMs) this.#die(tooComplex(detail))
      else this.#timer = setTimeout(look, Math.max(LOOK_MS, leftMs), beganMs)
    }
    void this.#usedMs().then((beganMs) => {
      if (this.#pending[0] === first) this.#timer = setTimeout(look, first.limitMs, beganMs)
    })
  }

  /** Processor time of the thread so far; 0 of one that has ended. It is told while a task runs, too. */
  async #usedMs(): Promise<number> {
    const used = await this.#worker.cpuUsage().catch(() => ({ user: 0, system: 0 }))
    return (used.user + used.system) / 1000
  }

  #settle(reply: GrammarReply): void {
    if (!reply.isDone) {
      this.#die(new AppError(reply.code, reply.detail))
      return
    }
    this.heldBytes = reply.heldBytes
    const done = this.#pending.shift()
    this.#watch()
    if (this.#pending.length === 0) this.#worker.unref()
    done?.resolve(reply.rules)
  }

  #die(fault: AppError): void {
    if (this.#fault !== undefined) return
    this.#fault = fault
    clearTimeout(this.#timer)
    for (const { reject } of this.#pending.splice(0)) reject(fault)
    void this.#worker.terminate()
  }
}

function tooComplex(detail: string, cause?: unknown): AppError {
  return new AppError('grammar.too_complex', detail, { cause })
}
