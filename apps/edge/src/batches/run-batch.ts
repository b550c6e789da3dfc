import { AppError } from '@loupe/shared/errors'
import type { FileStore } from '../files/file-store.ts'
import { readFile } from '../files/read-file.ts'
import { type AskEndpoint, answerLine, failedLine, type LineAnswer } from './answer-line.ts'
import type { BatchStep } from './batch-ledger.ts'
import type { BatchState } from './batch-state.ts'
import type { BatchReference, BatchStore } from './batch-store.ts'
import type { LineKind, LinePlace } from './line-table.ts'
import { type BatchLimits, validateBatch } from './validate-batch.ts'
import { writeResults } from './write-results.ts'

/** What a consumer works with. */
export interface RunBatchOptions {
  readonly batches: BatchStore
  readonly files: FileStore
  /** Makes what asks for the tenant of a batch. */
  readonly askFor: (batch: BatchState) => AskEndpoint
  readonly limits: BatchLimits & { readonly replyBytes: number; readonly parallelLines: number }
  /** How often a step that is worked on is renewed. */
  readonly renewMs: number
  /** After this time the rest is left to another message, so that batches of others have their turn. */
  readonly budgetMs: number
  readonly nowMs: () => number
}

/** How often a line is begun by who is not heard of again. */
const MOST_LOSSES = 10

type Run = Extract<BatchStep, { do: 'run' }>

/** Works on a batch for some time, and announces it again when there is more to do. */
export async function runBatch(reference: BatchReference, options: RunBatchOptions): Promise<void> {
  const runner = new BatchRunner(reference, options)
  const delaySeconds = await runner.work()
  if (delaySeconds !== undefined) await options.batches.announce(reference, delaySeconds)
}

class BatchRunner {
  readonly #id: string
  readonly #ledger: ReturnType<BatchStore['ledgerOf']>
  readonly #options: RunBatchOptions
  readonly #endMs: number

  constructor({ tenant, batch }: BatchReference, options: RunBatchOptions) {
    this.#id = batch
    this.#ledger = options.batches.ledgerOf(tenant)
    this.#options = options
    this.#endMs = options.nowMs() + options.budgetMs
  }

  /** @returns in how many seconds to go on; undefined when there is nothing to do, or others do it */
  async work(): Promise<number | undefined> {
    for (;;) {
      const step = await this.#ledger.claim(this.#id)
      switch (step.do) {
        case 'nothing':
          return undefined
        case 'wait': {
          if (this.#options.nowMs() + step.ms > this.#endMs) return Math.ceil(step.ms / 1000)
          await sleep(step.ms)
          break
        }
        case 'run':
          await this.#runLanes(step)
          break
        default:
          await this.#renewing(step.attempt, () => this.#runTask(step))
      }
      if (this.#options.nowMs() >= this.#endMs) return 0
    }
  }

  /** Several lines at a time. Each lane takes the next line when it has ended one. */
  async #runLanes(first: Run): Promise<void> {
    const lanes = Array.from({ length: this.#options.limits.parallelLines }, (_, lane) => {
      return this.#runLane(lane === 0 ? first : undefined)
    })
    const failed = (await Promise.allSettled(lanes)).find(({ status }) => status === 'rejected')
    if (failed?.status === 'rejected') throw failed.reason
  }

  async #runLane(first: Run | undefined): Promise<void> {
    let step: BatchStep = first ?? (await this.#ledger.claim(this.#id))
    while (step.do === 'run') {
      await this.#runLine(step)
      if (this.#options.nowMs() >= this.#endMs) return
      step = await this.#ledger.claim(this.#id)
    }
    // Another lane has ended the last line in the meantime.
    if (step.do === 'finalize') await this.#renewing(step.attempt, () => this.#runTask(step))
  }

  async #runLine({ attempt, batch, line }: Run): Promise<void> {
    const { files, askFor, limits } = this.#options
    const { endpoint, input_file_id: input } = batch.request
    const ask = async (): Promise<LineAnswer> => {
      // Whoever had it was gone each time: it may be what they died of.
      if (line.tries >= MOST_LOSSES) return { result: failedLine(line.customId, 'line_failed', 'No try has ended.') }
      const bytes = await readFile(files, batch.tenant, input, line)
      const text = new TextDecoder().decode(bytes)
      return answerLine(line, text, { ask: askFor(batch), endpoint, mostBytes: limits.replyBytes })
    }
    const answer = await this.#renewing(attempt, ask).catch((error: unknown): LineAnswer => {
      if (!AppError.isInstance(error)) return { again: { fails: true } }
      return { result: failedLine(line.customId, error.code, error.message) }
    })
    if ('result' in answer) await this.#ledger.finish(this.#id, attempt, answer.result)
    else await this.#ledger.release(this.#id, attempt, answer.again.fails)
  }

  async #runTask({ do: task, attempt, batch }: Extract<BatchStep, { do: 'validate' | 'finalize' }>): Promise<void> {
    const { files, limits } = this.#options
    if (task === 'finalize') {
      const readPage = async (kind: LineKind, after: number) => this.#ledger.page(this.#id, kind, after)
      await this.#ledger.finalized(this.#id, attempt, await writeResults(batch, files, readPage))
      return
    }
    const note = async (lines: readonly LinePlace[]) => {
      return this.#ledger.addLines(this.#id, attempt, lines)
    }
    const errors = await validateBatch(batch, { files, limits }, note)
    if (errors !== undefined) await this.#ledger.validated(this.#id, attempt, errors)
  }

  /** Keeps a step while it is worked on. */
  async #renewing<T>(attempt: string, work: () => Promise<T>): Promise<T> {
    const timer = setInterval(() => {
      // One that is missed is made good by the next; who misses them all has lost the step.
      void Promise.resolve(this.#ledger.renew(this.#id, attempt)).catch(() => undefined)
    }, this.#options.renewMs)
    try {
      return await work()
    } finally {
      clearInterval(timer)
    }
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms)
  })
}
