/** A thread that reads, compiles and follows grammars. It may be stopped, or abort, at any time. */
import { parentPort, workerData } from 'node:worker_threads'
import { AppError } from '@loupe/shared/errors'
import { GrammarDesk } from './grammar-desk.ts'
import type { GrammarReply, GrammarTask, GrammarThreadData } from './grammar-task.ts'
import { loadXgrammar, type Xgrammar } from './xgrammar.ts'

const data = workerData as GrammarThreadData // `GrammarThread` sends nothing else
const xgrammar = await loadXgrammar(data.memoryBytes)
const desk = new GrammarDesk(xgrammar, data)

let last: Promise<unknown> = Promise.resolve()
parentPort?.on('message', (task: GrammarTask) => {
  // One after the other: replies have to come in order.
  last = last.then(async () => parentPort?.postMessage(await answer(task)))
})

async function answer(task: GrammarTask): Promise<GrammarReply> {
  try {
    const rules = await desk.do(task)
    return { isDone: true, heldBytes: xgrammar.heldBytes(), ...(rules === undefined ? {} : { rules }) }
  } catch (error) {
    return { isDone: false, ...fault(error, xgrammar) }
  }
}

function fault(
  error: unknown,
  { takeFault }: Xgrammar,
): { code: 'grammar.invalid' | 'grammar.too_complex'; detail: string } {
  const { text, isOutOfMemory } = takeFault()
  if (isOutOfMemory || error instanceof RangeError) {
    return { code: 'grammar.too_complex', detail: 'The grammar needs more memory than it may have.' }
  }
  if (AppError.isInstance(error)) return { code: 'grammar.invalid', detail: error.detail }
  return { code: 'grammar.invalid', detail: text === '' ? String(error) : text.slice(0, 500) }
}
